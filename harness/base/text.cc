// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace nslab {

std::string errno_text() {
  const int error = errno;
  return fmt::format("{}{}", std::strerror(error), error == EMFILE ? ": raise the limit (ulimit -n)" : "");
}

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

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

std::vector<std::string> last_lines(std::string_view text, std::size_t count) {
  auto lines = lines_of(text);
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

std::string without_controls(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, which some terminals obey as well, are 0xc2 and a byte below 0xa0.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      ++i;
    } else if (byte == '\n' || byte == '\t' || (byte >= ' ' && byte != 0x7f)) {
      clean += text[i];
    }
  }
  return clean;
}

}  // namespace nslab
