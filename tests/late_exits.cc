// SPDX-License-Identifier: GPL-2.0
//
// Preloaded into QEMU, this library makes a rare moment long: whenever the vCPU leaves translated code (it halts, say),
// its thread sleeps before it accounts for the instructions that it executed. QEMU's main loop then always runs inside
// that moment, as it otherwise does once in many boots on a host with too much to do.
#include <dlfcn.h>

#include <csetjmp>
#include <ctime>

// The symbol behind siglongjmp() in a program that is compiled with _FORTIFY_SOURCE, as Debian's are.
extern "C" void __longjmp_chk(sigjmp_buf environment, int value) {  // NOLINT(bugprone-reserved-identifier): libc's
  using Jump = void (*)(sigjmp_buf, int);
  static const auto jump = reinterpret_cast<Jump>(dlsym(RTLD_NEXT, "__longjmp_chk"));
  constexpr timespec kMoment{0, 100'000};
  nanosleep(&kMoment, nullptr);
  jump(environment, value);
  __builtin_unreachable();
}
