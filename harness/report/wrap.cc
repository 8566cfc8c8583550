// SPDX-License-Identifier: GPL-2.0
#include "wrap.h"

#include <algorithm>

namespace nslab {

int display_width(std::string_view utf8) {
  int width = 0;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k) {
      point = (point << 6) | (static_cast<unsigned char>(utf8[i + k]) & 0x3fU);
    }
    i += length;
    const bool combining = point >= 0x300 && point <= 0x36f;
    const bool wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
                      (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xff00 && point <= 0xff60) ||
                      (point >= 0x1f300 && point <= 0x1faff);
    width += combining ? 0 : wide ? 2 : 1;
  }
  return width;
}

std::string wrap(std::string_view text, int width, int indent) {
  if (width <= 0) return std::string(text);
  std::string out;
  int used = 0;
  bool first = true;
  // "1 %" and "310 ± 2" stay together.
  const auto glued = [&](std::size_t space) {
    const std::string_view after = text.substr(space + 1);
    const std::string_view before = text.substr(0, space);
    return after.starts_with('%') || after.starts_with("±") || before.ends_with("±");
  };
  for (std::size_t start = 0; start <= text.size();) {
    std::size_t end = std::min(text.find(' ', start), text.size());
    while (end < text.size() && glued(end)) end = std::min(text.find(' ', end + 1), text.size());
    const std::string_view word = text.substr(start, end - start);
    const int needed = display_width(word);
    if (!first && used + 1 + needed > width) {
      out += '\n' + std::string(static_cast<std::size_t>(indent), ' ');
      used = indent;
    } else if (!first) {
      out += ' ';
      ++used;
    }
    out += word;
    used += needed;
    first = false;
    start = end + 1;
  }
  return out;
}

}  // namespace nslab
