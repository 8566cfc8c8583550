// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace nslab {

/// The ELF file (vmlinux) that a kernel for x86-64 is booted from: of a bzImage, what is packed in it (Linux's
/// Documentation/arch/x86/boot.rst: payload_offset, payload_length); an ELF file is that itself. Exit::user for
/// anything else, with what to give instead.
Result<std::string> unpack_kernel_image(std::string_view bytes, const std::string& name);

}  // namespace nslab
