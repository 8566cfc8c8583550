// SPDX-License-Identifier: GPL-2.0
#include "clock.h"

#include <time.h>

namespace nslab {

namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

double monotonic_seconds() { return seconds_of(CLOCK_MONOTONIC); }

double wall_clock_seconds() { return seconds_of(CLOCK_REALTIME); }

ClockWatch::ClockWatch(double (*wall_clock)()) : wall_clock_(wall_clock), ahead_(wall_clock() - monotonic_seconds()) {}

double ClockWatch::set_back_seconds() const {
  const double set_back = ahead_ - (wall_clock_() - monotonic_seconds());
  return set_back < 1 ? 0 : set_back;
}

std::string utc_now() {
  const time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace nslab
