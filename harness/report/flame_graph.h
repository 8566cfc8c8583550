// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nslab {

/// A function as one path of calls reaches it.
struct FlameFrame {
  std::uint32_t parent = 0;  ///< its place among the frames, before this one; frames[0] is the root
  std::string function;
  double own = 0;      ///< the width of the function itself, without what it calls; in any unit
  std::string title;   ///< shown behind the function's name where the reader points at the frame
  std::string colour;  ///< as SVG takes it
};

/// An SVG that needs no script. The root is at the bottom, what a function calls stands on it, and each frame is as
/// wide as its own width and those above it together. The title and the notes stand over it, each on a line.
std::string draw_flame_graph(const std::string& title, const std::vector<std::string>& notes,
                             const std::vector<FlameFrame>& frames);

/// From white, where a and b are equal, to red (b is more) or blue (less): full where only one of them is not 0.
std::string difference_colour(double a, double b);
/// From white (0) to orange (1).
std::string heat_colour(double share);

}  // namespace nslab
