// SPDX-License-Identifier: GPL-2.0
//
// A kernel's console, as the guest writes it.
#include "fuzz.h"
#include "printable.h"
#include "splats.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const std::string text = printable(input);
  require(printable(text) == text, "what is printable stays as it is");
  const auto splat = find_splat(input);
  require(!splat || !splat->empty(), "a splat has words");
}

}  // namespace nslab::fuzz
