// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "table.h"

namespace nslab {

/// A part of a document in words and tables, before it takes the form of a terminal, of Markdown or of HTML.
struct Block {
  enum class Kind { title, heading, paragraph, error, warning, facts, bullets, table };
  Kind kind = Kind::paragraph;
  std::string text = {};                                        ///< of all but facts and bullets; a table's caption
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< name and value
  std::vector<std::string> bullets = {};
  Table table = {};
};
using Document = std::vector<Block>;

/// Adds the blocks of a section at the document's end.
void append(Document& document, Document section);

/// A plain-text form for a terminal of so many columns; 0: no limit.
std::string render_text(const Document& document, int columns);
std::string render_markdown(const Document& document);

}  // namespace nslab
