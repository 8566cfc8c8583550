// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nslab {

/// The line of a kernel's console that shows that we can no longer trust the kernel, the gravest first, with what it
/// means: "the kernel warned: [    1.0] WARNING: CPU: 0 PID: 1 at …". Empty where there is none. splats.cc has the
/// table of what kernels print.
std::optional<std::string> find_splat(std::string_view console);

/// Whether a dump of registers shows flags that no CPU has: bits 22 to 31 of EFLAGS are always 0. QEMU 7.2 can leave
/// any number there behind a cmpxchg16b, which SLUB executes in each allocation, and a guest that is interrupted in
/// that moment dies of a double fault.
bool shows_impossible_flags(std::string_view console);

}  // namespace nslab
