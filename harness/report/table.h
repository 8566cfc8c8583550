// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nslab {

enum class Align { left, right };

struct Column {
  std::string heading;
  std::string group = {};  ///< columns of one group stay together when a table is split, as "depth 0"; may be empty
  Align align = Align::right;
};

/// A table of text. A cell may have several lines, separated by '\n'. Every row has as many cells as there are columns.
struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
  std::size_t key_columns = 1;  ///< leading columns that name the row, repeated in every part of a split table
};

/// A number with thousands separators and a true minus sign, as "−1,234.5". A value that rounds to zero has no sign.
std::string format_number(double value, int decimals);
/// As format_number, with a '+' before positive numbers.
std::string format_signed(double value, int decimals);

/// The columns a terminal needs for a line of UTF-8: code points, less combining marks, wide East Asian characters
/// twice.
int display_width(std::string_view utf8);

/// Splits a table whose text is wider than `width` into several that fit: as many whole groups to a part as there is
/// room for, and a group only when it alone is too wide. A part with a single column may still be wider. 0: no limit.
std::vector<Table> split(const Table& table, int width);

/// Plain text, each line ending in '\n': group line (when there are groups), headings, a rule, the rows.
std::string text_table(const Table& table);
/// A GitHub-flavoured Markdown table; the lines of a cell are joined by <br>, groups go before the headings.
std::string markdown_table(const Table& table);

/// Breaks text at spaces into lines of at most `width` columns, each but the first indented by `indent`; 0: no limit. A
/// number is not parted from its "±" or "%".
std::string wrap(std::string_view text, int width, int indent = 0);

}  // namespace nslab
