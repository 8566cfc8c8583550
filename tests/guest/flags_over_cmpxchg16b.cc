// SPDX-License-Identifier: GPL-2.0-only
/// Are the CPU's flags sound behind cmpxchg16b and cmpxchg8b? QEMU 7.2 may take an operand for them
/// (harness/plugin/guard_plugin.cc).
///
/// Exit status: 0 they are, 1 they have bits that no operation sets. They are printed.
#include <cstdio>
#include <initializer_list>

namespace {

/// The flags behind the instruction, which follows a comparison with `operand`, in a block of QEMU's that begins with
/// flags that were loaded.
template <bool kWide>
unsigned long flags_behind(unsigned long operand) {
  alignas(16) unsigned long memory[2] = {0, 0};
  unsigned long flags;
  unsigned long low = 0;
  unsigned long high = 0;
  asm volatile(
      "lea -128(%%rsp), %%rsp\n"       // what the compiler keeps below the stack
      "test %[operand], %[operand]\n"  // what the last instruction left is not ours
      "pushfq\n"
      "popfq\n"
      "cmp %[operand], %[flags]\n"
      ".if %c[wide]\n"
      "cmpxchg16b (%[memory])\n"
      ".else\n"
      "cmpxchg8b (%[memory])\n"
      ".endif\n"
      "pushfq\n"
      "pop %[flags]\n"
      "lea 128(%%rsp), %%rsp\n"
      : [flags] "=&r"(flags), "+a"(low), "+d"(high)
      : [memory] "r"(memory), [operand] "r"(operand), [wide] "i"(kWide), "b"(0UL), "c"(0UL), "[flags]"(0UL)
      : "cc", "memory");
  return flags;
}

}  // namespace

int main() {
  constexpr unsigned long kSound = 0x8d5 | 0x202;  // those of arithmetic; interrupts on, and a bit that is always 1
  int status = 0;
  for (const unsigned long operand : {0x106e3342UL, 0xffffffffUL, 0x100UL}) {
    for (const unsigned long flags : {flags_behind<true>(operand), flags_behind<false>(operand)}) {
      std::printf("behind a comparison with %#lx: %#lx\n", operand, flags);
      if ((flags & ~kSound) != 0) status = 1;
    }
  }
  return status;
}
