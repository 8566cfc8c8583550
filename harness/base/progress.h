// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nslab {

/// "4:07" or "1:02:03".
std::string duration_text(double seconds);

/// A line on stderr that says how far something is, its rate and the time left: rewritten in place on a terminal,
/// a new line every 10 s elsewhere. Nothing is printed for work that ends within 2 s.
class Progress {
 public:
  /// `total` may be an estimate; when more is done than that, no time left is given.
  Progress(std::string label, std::string unit, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done);
  /// Prints a whole line above the progress line.
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
