// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

namespace nslab {

/// Seconds of CLOCK_MONOTONIC.
double monotonic_seconds();

/// Seconds since 1970 by the clock that people and NTP set, and that dates files.
double wall_clock_seconds();

/// Tells whether that clock was set back since the object was made: make goes by the times of files.
class ClockWatch {
 public:
  /// `wall_clock` is for tests.
  explicit ClockWatch(double (*wall_clock)() = wall_clock_seconds);
  /// By how many seconds; 0 when it was not, or by less than a second, as NTP does it all the time.
  double set_back_seconds() const;

 private:
  double (*wall_clock_)();
  double ahead_;  ///< of the monotonic clock, at the start
};

/// The present time in UTC, ISO 8601, in seconds: "2025-01-31T12:00:00Z".
std::string utc_now();

}  // namespace nslab
