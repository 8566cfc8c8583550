// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nslab {

/// "4:07" or "1:02:03".
std::string duration_text(double seconds);

/// A line on stderr that says how far a piece of work is, its rate and the time left. On a terminal the line is
/// rewritten in place; elsewhere there is a new line every 10 s. Work that ends within 2 s prints nothing.
class Progress {
 public:
  /// `total` may be an estimate; when more is done than that, no time left is given.
  Progress(std::string label, std::string unit, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Says how much is done. May be called as often as one likes: it prints seldom.
  void update(std::uint64_t done);
  /// Tells of an error or a hindrance, in a whole line above the progress line.
  void say(const std::string& line);

 private:
  const std::string label_;
  const std::string unit_;
  const std::uint64_t total_;
  const double start_;
  double printed_ = 0;
  bool line_open_ = false;
};

}  // namespace nslab
