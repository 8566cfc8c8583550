// SPDX-License-Identifier: GPL-2.0
#include "document.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "text.h"
#include "wrap.h"

namespace nslab {

void append(Document& document, Document section) {
  std::move(section.begin(), section.end(), std::back_inserter(document));
}

std::string render_text(const Document& document, int columns) {
  std::string out;
  for (const Block& block : document) {
    const std::string text = wrap(block.text, columns);
    switch (block.kind) {
      case Block::Kind::title:
      case Block::Kind::heading: {
        out += text + "\n";
        const int width = columns > 0 ? std::min(columns, display_width(block.text)) : display_width(block.text);
        for (int i = 0; i < width; ++i) out += block.kind == Block::Kind::title ? "=" : "-";
        out += "\n";
        break;
      }
      case Block::Kind::error:
      case Block::Kind::warning:
        out += wrap("*** " + block.text, columns, 4) + "\n";
        break;
      case Block::Kind::paragraph:
        out += text + "\n";
        break;
      case Block::Kind::facts:
        for (const auto& [name, value] : block.facts)
          out += wrap(fmt::format("{:<14}  {}", name, value), columns, 16) + "\n";
        break;
      case Block::Kind::bullets:
        for (const std::string& item : block.bullets) out += wrap("- " + item, columns, 2) + "\n";
        break;
      case Block::Kind::table:
        if (!text.empty()) out += text + "\n\n";
        for (const Table& part : split(block.table, columns)) out += text_table(part) + "\n";
        out.pop_back();
        break;
    }
    out += "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string render_markdown(const Document& document) {
  constexpr int readable = 160;  // columns of text beyond which a page scrolls sideways
  std::string out;
  for (const Block& block : document) {
    switch (block.kind) {
      case Block::Kind::title:
        out += "# " + block.text + "\n";
        break;
      case Block::Kind::heading:
        out += "## " + block.text + "\n";
        break;
      case Block::Kind::error:
      case Block::Kind::warning:
        out += "> **" + block.text + "**\n";
        break;
      case Block::Kind::paragraph:
        out += block.text + "\n";
        break;
      case Block::Kind::facts:
        for (const auto& [name, value] : block.facts) out += fmt::format("- {}: {}\n", name, value);
        break;
      case Block::Kind::bullets:
        for (const std::string& item : block.bullets) out += "- " + item + "\n";
        break;
      case Block::Kind::table:
        out += block.text + "\n";
        for (const Table& part : split(block.table, ends_in_text(block.table) ? 0 : readable))
          out += "\n" + markdown_table(part);
        break;
    }
    out += "\n";
  }
  if (!out.empty()) out.pop_back();
  return without_controls(out);
}

}  // namespace nslab
