// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "result.h"

namespace nslab {

/// Bytes by kind, summed over symbols: a kernel's sections are padded, so that size(1) shows no small difference.
struct SymbolSizes {
  std::uint64_t text = 0;
  std::uint64_t data = 0;  ///< initialised, read-only data included
  std::uint64_t bss = 0;
};

/// By nm(1) --print-size. Aliases of one address and size are counted once.
Result<SymbolSizes> symbol_sizes(const std::filesystem::path& vmlinux);

}  // namespace nslab
