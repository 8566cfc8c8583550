// SPDX-License-Identifier: GPL-2.0
#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "clock.h"
#include "output.h"

namespace nslab {

std::string duration_text(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Progress(std::string label, std::string unit, std::uint64_t total)
    : label_(std::move(label)), unit_(std::move(unit)), total_(total), start_(monotonic_seconds()), printed_(start_) {}

Progress::~Progress() {
  if (line_open_) write_err_raw("\r\033[K");
}

void Progress::say(const std::string& line) {
  if (line_open_) write_err_raw("\r\033[K");
  line_open_ = false;
  print_err("nslab: {}\n", line);
}

void Progress::update(std::uint64_t done) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const double now = monotonic_seconds();
  const double elapsed = now - start_;
  if (elapsed < 2 || now - printed_ < (terminal ? 0.2 : 10.0)) return;
  printed_ = now;

  std::string line = fmt::format("{}: {}/{} {}", label_, done, total_, unit_);
  const double rate = static_cast<double>(done) / elapsed;
  if (rate >= 1) {
    line += fmt::format(", {:.0f}/s", rate);
  } else if (done > 0) {
    line += fmt::format(", {:.1f} s each", 1 / rate);
  }
  line += fmt::format(", {} passed", duration_text(elapsed));
  if (done > 0 && done <= total_)
    line += fmt::format(", {} left", duration_text(static_cast<double>(total_ - done) / rate));
  if (terminal) {
    write_err_raw("\r\033[K");
    write_err(line);
    line_open_ = true;
  } else {
    print_err("{}\n", line);
  }
}

}  // namespace nslab
