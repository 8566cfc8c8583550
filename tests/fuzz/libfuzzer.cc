// SPDX-License-Identifier: GPL-2.0
#include <cstddef>
#include <cstdint>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nslab::fuzz::try_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
