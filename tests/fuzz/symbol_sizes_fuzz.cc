// SPDX-License-Identifier: GPL-2.0
//
// What nm prints of a kernel's symbols.
#include "fuzz.h"
#include "kernel_size.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  SymbolSizes total;
  for (const auto& [file, sizes] : parse_symbol_sizes(std::string(input))) {
    require(sizes.text >= 0 && sizes.data >= 0 && sizes.bss >= 0, "no size is negative");
    total += sizes;
  }
}

}  // namespace nslab::fuzz
