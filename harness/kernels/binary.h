// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace nslab {

/// The number that stands at a place, in this machine's order of bytes; 0 where the bytes end before it does.
template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T number{};
  if (at <= bytes.size() && sizeof number <= bytes.size() - at) std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

}  // namespace nslab
