// SPDX-License-Identifier: GPL-2.0
#include "printable.h"

namespace nslab {

std::string printable(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (c == '\n' || c == '\t' || (c >= ' ' && c <= '~')) clean += c;
  }
  return clean;
}

}  // namespace nslab
