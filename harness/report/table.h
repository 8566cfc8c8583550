// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
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

/// Splits a table whose text is wider than `width` into several that fit: as many whole groups to a part as there is
/// room for, and a group only when it alone is too wide. A part with a single column may still be wider. 0: no limit.
std::vector<Table> split(const Table& table, int width);
/// Whether the last column is of text, which takes the width that is left where a page is rendered: no reason to split.
bool ends_in_text(const Table& table);

/// Plain text, each line ending in '\n': group line (when there are groups), headings, a rule, the rows.
std::string text_table(const Table& table);
/// A GitHub-flavoured Markdown table; the lines of a cell are joined by <br>, groups go before the headings.
std::string markdown_table(const Table& table);

}  // namespace nslab
