// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <cerrno>
#include <cstring>

namespace nslab {

std::string errno_text() { return std::strerror(errno); }

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string> last_lines(std::string_view text, std::size_t count) {
  auto lines = lines_of(text);
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

}  // namespace nslab
