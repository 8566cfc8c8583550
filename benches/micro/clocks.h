// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <time.h>

#include <cstdint>

#include "window_marks.h"

/// The two meters' counters. A window is what lies between two now(): the second half of the first, the operation, the
/// first half of the second. The benchmark `empty` has nothing in between and so shows what a window costs by itself;
/// it is reported beside the others and never subtracted.
namespace nslab::micro {

/// Meter `instructions`: under icount the time-stamp counter is the number of instructions executed. In the window are,
/// besides the operation, one rdtsc and the two to four instructions that save its halves (3 in `empty`). No fence: TCG
/// executes in order, and a fence would be one more instruction. `volatile` and the clobber hold the compiler.
struct InstructionClock {
  static constexpr const char* kUnit = "instructions";
  /// Two readings in a row that are further apart than this had an interrupt between them (undisturbed: about ten).
  static constexpr std::uint64_t kInterrupted = 300;

  [[gnu::always_inline]] static std::uint64_t now() {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32 | low;
  }
  template <WindowMark mark>
  [[gnu::always_inline]] static std::uint64_t marked_now() {
    return marked_time_stamp<mark>();
  }
};

/// Meter `time`: nanoseconds of a clock that nobody slews. Through the vDSO, whose rdtsc is fenced.
struct TimeClock {
  static constexpr const char* kUnit = "ns";
  static constexpr std::uint64_t kInterrupted = 1500;

  [[gnu::always_inline]] static std::uint64_t now() {
    timespec time;
    asm volatile("" : : : "memory");
    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    asm volatile("" : : : "memory");
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
  }
  template <WindowMark>
  [[gnu::always_inline]] static std::uint64_t marked_now() {
    return now();
  }
};

}  // namespace nslab::micro
