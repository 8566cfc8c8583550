// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <fmt/format.h>

#include <algorithm>

#include "wrap.h"

namespace nslab {
namespace {

constexpr int gap = 2;  // between columns

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = text.find('\n', start);
    lines.emplace_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return lines;
    start = end + 1;
  }
}

int widest_line(std::string_view text) {
  int widest = 0;
  for (const std::string& line : lines_of(text)) widest = std::max(widest, display_width(line));
  return widest;
}

int column_width(const Table& table, std::size_t column) {
  int width = widest_line(table.columns[column].heading);
  for (const auto& row : table.rows) width = std::max(width, widest_line(row[column]));
  return width;
}

std::string padded(std::string_view text, int width, Align align) {
  const std::string space(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
  return align == Align::left ? std::string(text) + space : space + std::string(text);
}

void append_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

/// One row of cells, as many lines as its tallest cell.
void append_row(std::string& out, const Table& table, const std::vector<int>& widths,
                const std::vector<std::string>& cells) {
  std::vector<std::vector<std::string>> stacks;
  std::size_t height = 1;
  for (const std::string& cell : cells) {
    stacks.push_back(lines_of(cell));
    height = std::max(height, stacks.back().size());
  }
  for (std::size_t y = 0; y < height; ++y) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line += std::string(gap, ' ');
      line += padded(y < stacks[i].size() ? stacks[i][y] : "", widths[i], table.columns[i].align);
    }
    append_line(out, line);
  }
}

bool has_groups(const Table& table) {
  return std::any_of(table.columns.begin(), table.columns.end(), [](const Column& c) { return !c.group.empty(); });
}

/// First column after `begin` that is of another group.
std::size_t end_of_group(const Table& table, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < table.columns.size() && !table.columns[begin].group.empty() &&
         table.columns[end].group == table.columns[begin].group) {
    ++end;
  }
  return end;
}

Table part_of(const Table& table, std::size_t begin, std::size_t end) {
  Table part;
  part.key_columns = table.key_columns;
  const auto pick = [&](const auto& from) {
    auto out =
        std::decay_t<decltype(from)>(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(table.key_columns));
    out.insert(out.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
               from.begin() + static_cast<std::ptrdiff_t>(end));
    return out;
  };
  part.columns = pick(table.columns);
  for (const auto& row : table.rows) part.rows.push_back(pick(row));
  return part;
}

std::string markdown_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "<br>";
    } else if (c == '|' || c == '*' || c == '_' || c == '<' || c == '`' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool ends_in_text(const Table& table) { return table.columns.back().align == Align::left; }

std::vector<Table> split(const Table& table, int width) {
  if (width <= 0) return {table};
  std::vector<int> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) widths.push_back(column_width(table, i));
  int key_width = 0;
  for (std::size_t i = 0; i < table.key_columns; ++i) key_width += widths[i] + (i > 0 ? gap : 0);
  const auto width_of = [&](std::size_t begin, std::size_t end) {
    int total = key_width;
    for (std::size_t i = begin; i < end; ++i) total += gap + widths[i];
    return total;
  };

  std::vector<Table> parts;
  std::size_t begin = table.key_columns;
  while (begin < table.columns.size()) {
    std::size_t end = end_of_group(table, begin);
    if (width_of(begin, end) <= width) {
      while (end < table.columns.size() && width_of(begin, end_of_group(table, end)) <= width) {
        end = end_of_group(table, end);
      }
    } else {
      while (end > begin + 1 && width_of(begin, end) > width) --end;
    }
    parts.push_back(part_of(table, begin, end));
    begin = end;
  }
  if (parts.empty()) parts.push_back(table);
  return parts;
}

std::string text_table(const Table& table) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) widths.push_back(column_width(table, i));
  std::string out;
  if (has_groups(table)) {
    std::string line;
    for (std::size_t i = 0; i < table.columns.size();) {
      const std::size_t end = end_of_group(table, i);
      int width = 0;
      for (std::size_t k = i; k < end; ++k) width += widths[k] + (k > i ? gap : 0);
      const std::string& group = table.columns[i].group;
      const int extra = display_width(group) - width;
      if (extra > 0) widths[end - 1] += extra;  // a group's name may be wider than its columns
      width = std::max(width, display_width(group));
      // The group's name stands between rules that show how far it reaches.
      std::string cell = padded(group, width, Align::left);
      if (!group.empty()) {
        const int free = width - display_width(group) - 2;
        cell = free < 2 ? padded(group, width, Align::right) : "";
        if (cell.empty()) {
          for (int k = 0; k < free / 2; ++k) cell += "\u2500";
          cell += " " + group + " ";
          for (int k = 0; k < free - free / 2; ++k) cell += "\u2500";
        }
      }
      line += (i > 0 ? std::string(gap, ' ') : "") + cell;
      i = end;
    }
    append_line(out, line);
  }
  std::vector<std::string> headings;
  int total = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    headings.push_back(table.columns[i].heading);
    total += widths[i] + (i > 0 ? gap : 0);
  }
  append_row(out, table, widths, headings);
  for (int k = 0; k < total; ++k) out += "\u2500";
  out += '\n';
  for (const auto& row : table.rows) append_row(out, table, widths, row);
  return out;
}

std::string markdown_table(const Table& table) {
  std::string out = "|";
  for (const Column& column : table.columns) {
    out += " " + markdown_cell(column.group.empty() ? column.heading : column.heading + "\n" + column.group) + " |";
  }
  out += "\n|";
  for (const Column& column : table.columns) out += column.align == Align::left ? ":---|" : "---:|";
  out += '\n';
  for (const auto& row : table.rows) {
    out += '|';
    for (const std::string& cell : row) out += " " + markdown_cell(cell) + " |";
    out += '\n';
  }
  return out;
}

}  // namespace nslab
