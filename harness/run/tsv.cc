// SPDX-License-Identifier: GPL-2.0
#include "tsv.h"

#include <algorithm>

namespace nslab::tsv {

namespace {
constexpr std::string_view kComment = "# ";
}  // namespace

std::string line(const Columns& fields) { return fmt::format("{}\n", fmt::join(fields, "\t")); }
std::string comment(std::string_view text) { return fmt::format("{}{}\n", kComment, text); }

Fields::Fields(std::string place, std::string_view line, const Columns& columns)
    : place_(std::move(place)), columns_(&columns) {
  for (std::size_t start = 0;;) {
    const std::size_t end = line.find('\t', start);
    fields_.push_back(line.substr(start, end - start));
    if (end == std::string_view::npos) break;
    start = end + 1;
  }
}

Result<std::vector<Fields>> read_lines(std::string_view text, const std::filesystem::path& name,
                                       const Columns& columns) {
  std::vector<Fields> lines;
  std::size_t number = 0;
  bool has_head = false;
  for (std::size_t start = 0; start < text.size();) {
    const std::string place = fmt::format("{}:{}", name.string(), ++number);
    const std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return user_error("{}: the file ends within this line", place);
    const std::string_view fields_text = text.substr(start, end - start);
    start = end + 1;
    if (!has_head && fields_text.starts_with(kComment)) continue;
    Fields fields(place, fields_text, columns);
    if (!has_head) {
      has_head = true;
      for (std::size_t i = 0; i < std::max(columns.size(), fields.count()); ++i) {
        const std::string found = i < fields.count() ? fields.text() : "";
        const std::string expected = i < columns.size() ? columns[i] : "";
        if (found != expected) {
          return user_error("{}: column {} is '{}', expected '{}'", place, i + 1, found, expected);
        }
      }
      continue;
    }
    if (fields.count() != columns.size()) {
      return user_error("{}: this line has {} fields, there are {} columns", place, fields.count(), columns.size());
    }
    lines.push_back(std::move(fields));
  }
  return lines;
}

}  // namespace nslab::tsv
