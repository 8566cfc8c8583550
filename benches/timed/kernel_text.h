// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>

namespace nslab::timed {

/// The address at which this guest's kernel has its code, by /proc/kallsyms: another one at each boot where the kernel
/// chooses it at random (KASLR). 0: the kernel does not say.
std::uint64_t kernel_text();

}  // namespace nslab::timed
