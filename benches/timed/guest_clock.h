// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>

#include "../guest/window_marks.h"
#include "../micro/clocks.h"

/// The clock that the time meter reads, in nanoseconds.
///
/// Under KVM it is CLOCK_MONOTONIC_RAW through the vDSO, from the clocksource tsc or kvm-clock: it advances by the
/// nanosecond. An emulated machine without ACPI offers the kernel nothing to measure the time-stamp counter's frequency
/// by (it tries HPET, PM timer and channel 2 of the PIT), so that the kernel gives the counter up and is left with
/// refined-jiffies. That clock advances by a whole tick of 4 ms: two readings around a getpid are mostly the same. The
/// counter itself is good there. So PID 1 measures its frequency by the real-time clock, once in a boot, and the worker
/// reads the counter.
namespace nslab::timed {

class GuestClock {
 public:
  static constexpr const char* kUnit = micro::TimeClock::kUnit;
  static constexpr std::uint64_t kInterrupted = micro::TimeClock::kInterrupted;

  /// From now on the time-stamp counter is read, at this frequency; 0: the kernel's clock.
  static void use_counter(std::uint64_t hertz);
  static std::uint64_t counter_in_use() { return hertz_; }  ///< that frequency, or 0

  [[gnu::always_inline]] static std::uint64_t now() {
    if (nanoseconds_a_cycle_ != 0) {
      // 32 bits behind the point.
      return static_cast<std::uint64_t>(static_cast<unsigned __int128>(counter()) * nanoseconds_a_cycle_ >> 32);
    }
    return micro::TimeClock::now();
  }
  template <WindowMark>
  [[gnu::always_inline]] static std::uint64_t marked_now() {
    return now();
  }

  /// The smallest difference that two readings showed, in nanoseconds: a step of the clock, or what a reading takes if
  /// that is longer. A CPU's counter may advance by several cycles at a time; 26 at once, or 10 ns, have been seen.
  static std::uint64_t step();

  [[gnu::always_inline]] static std::uint64_t counter() {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32 | low;
  }

 private:
  static inline std::uint64_t hertz_ = 0;
  static inline std::uint64_t nanoseconds_a_cycle_ = 0;
};

/// The kernel's current clocksource, as "tsc" or "kvm-clock"; empty: it does not say.
std::string clocksource();

/// The time-stamp counter's frequency, from the edges of the real-time clock's seconds; 0: there is no such clock, or
/// the host had other work whenever a second began. Known to 0.03 %, or 1 % on a host that is very busy. Takes some two
/// seconds, twenty on such a host, and access to ports.
std::uint64_t counter_hertz();

/// Since the boot, in ticks of 10 ms, in which the host had other work for the guest's CPUs; 0 where nobody says.
std::uint64_t steal_ticks();

}  // namespace nslab::timed
