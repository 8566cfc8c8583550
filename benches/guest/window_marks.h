// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>

/// How the guest shows the plugins (harness/plugin) where it is ready and where repetitions are counted. A CPU ignores
/// the segment prefixes of an rdtsc, and so does QEMU. The readings of the counter that limit a window have a
/// combination of them that no compiler makes: the plugin finds them by their bytes, and nothing is executed that would
/// not be without it.
namespace nslab {

/// A marked rdtsc, as bytes: three prefixes, then the instruction.
struct WindowMark {
  unsigned char bytes[5];
};
constexpr WindowMark kMarkHold = {{0x26, 0x2e, 0x3e, 0x0f, 0x31}};   ///< PID 1 is ready; here the guest is saved
constexpr WindowMark kMarkBegin = {{0x2e, 0x26, 0x3e, 0x0f, 0x31}};  ///< the repetitions of a cell begin
constexpr WindowMark kMarkOpen = {{0x2e, 0x2e, 0x3e, 0x0f, 0x31}};   ///< a window begins, with this instruction
constexpr WindowMark kMarkClose = {{0x2e, 0x36, 0x3e, 0x0f, 0x31}};  ///< it ends, before this instruction

/// The time-stamp counter, with that mark.
template <WindowMark mark>
[[gnu::always_inline]] inline std::uint64_t marked_time_stamp() {
  std::uint32_t low;
  std::uint32_t high;
  asm volatile(".byte %c2, %c3, %c4, %c5, %c6"
               : "=a"(low), "=d"(high)
               : "i"(mark.bytes[0]), "i"(mark.bytes[1]), "i"(mark.bytes[2]), "i"(mark.bytes[3]), "i"(mark.bytes[4])
               : "memory");
  return std::uint64_t{high} << 32 | low;
}

}  // namespace nslab
