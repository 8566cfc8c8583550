// SPDX-License-Identifier: GPL-2.0
#include "html.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base64.h"
#include "files.h"
#include "json.h"
#include "plots.h"
#include "report_document.h"
#include "text.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #ffffff; --soft: #666666; --rule: #d4d4d4; --shade: #f5f5f5;
  --bad: #a40000; --bad-shade: #fdecec; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #16181a; --soft: #a0a0a0; --rule: #3c4044;
  --shade: #202327; --bad: #ff9c9c; --bad-shade: #3a1c1c; } }
body { color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif;
  max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.warning, .error { border-left: 5px solid var(--bad); background: var(--bad-shade); color: var(--bad); font-weight: 600;
  padding: .5rem .8rem; }
.wide { overflow-x: auto; margin: .6rem 0 1.4rem; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: top; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { border-bottom: 2px solid var(--rule); vertical-align: bottom; }
th.group { text-align: center; border-bottom: 1px solid var(--rule); color: var(--soft); }
.left { text-align: left; }
td.left { font-weight: 600; }
td.text { font-weight: 400; white-space: normal; }
td.text span { color: inherit; }
td span { display: block; color: var(--soft); }
td span.first { color: inherit; }
td.refused { color: var(--soft); font-style: italic; }
tbody tr:hover { background: var(--shade); }
.facts td { border: 0; padding: .1rem .8rem .1rem 0; white-space: normal; text-align: left; }
.facts td:first-child { color: var(--soft); white-space: nowrap; min-width: 6rem; }
figure { margin: 1rem 0; background: #ffffff; border: 1px solid var(--rule); border-radius: 4px; padding: .4rem; }
figure img { display: block; width: 100%; height: auto; }
.caption { color: var(--soft); max-width: 60rem; }
pre { background: var(--shade); padding: .8rem; overflow-x: auto; font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-size: 12px; overflow-wrap: anywhere; }
li { margin: .15rem 0; }
)css";

/// `key`: it names the row.
std::string cell_html(std::string_view text, Align align, bool key) {
  std::string classes = align == Align::right ? "" : key ? "left" : "left text";
  if (text.starts_with("refused")) classes += classes.empty() ? "refused" : " refused";
  std::string out = classes.empty() ? "<td>" : fmt::format("<td class=\"{}\">", classes);
  std::size_t start = 0;
  const bool stacked = text.find('\n') != std::string_view::npos;
  while (true) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = escape_html(text.substr(start, end - start));
    out += stacked ? fmt::format("<span{}>{}</span>", start == 0 ? " class=\"first\"" : "", line) : line;
    if (end == text.size()) break;
    start = end + 1;
  }
  return out + "</td>";
}

std::string table_html(const Table& table) {
  std::string out = "<div class=\"wide\"><table>\n<thead>\n";
  const bool groups =
      std::any_of(table.columns.begin(), table.columns.end(), [](const Column& c) { return !c.group.empty(); });
  if (groups) {
    out += "<tr>";
    for (std::size_t i = 0; i < table.columns.size();) {
      std::size_t end = i + 1;
      while (end < table.columns.size() && table.columns[end].group == table.columns[i].group) ++end;
      out += fmt::format("<th class=\"group\" colspan=\"{}\">{}</th>", end - i, escape_html(table.columns[i].group));
      i = end;
    }
    out += "</tr>\n";
  }
  out += "<tr>";
  for (const Column& column : table.columns) {
    out +=
        fmt::format("<th{}>{}</th>", column.align == Align::left ? " class=\"left\"" : "", escape_html(column.heading));
  }
  out += "</tr>\n</thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += cell_html(row[i], table.columns[i].align, i < table.key_columns);
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::string facts_html(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string out = "<table class=\"facts\">\n";
  for (const auto& [name, value] : facts) {
    out += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escape_html(name), escape_html(value));
  }
  return out + "</table>\n";
}

std::string block_html(const Block& block) {
  constexpr int readable = 140;  // columns of text that fit the page in its small type
  const std::string text = escape_html(block.text);
  switch (block.kind) {
    case Block::Kind::title:
      return fmt::format("<h1>{}</h1>\n", text);
    case Block::Kind::heading:
      return fmt::format("<h2>{}</h2>\n", text);
    case Block::Kind::paragraph:
      return fmt::format("<p>{}</p>\n", text);
    case Block::Kind::error:
      return fmt::format("<p class=\"error\">{}</p>\n", text);
    case Block::Kind::warning:
      return fmt::format("<p class=\"warning\">{}</p>\n", text);
    case Block::Kind::facts:
      return facts_html(block.facts);
    case Block::Kind::bullets: {
      std::string out = "<ul>\n";
      for (const std::string& item : block.bullets) out += fmt::format("<li>{}</li>\n", escape_html(item));
      return out + "</ul>\n";
    }
    case Block::Kind::table: {
      std::string out = fmt::format("<p class=\"caption\">{}</p>\n", text);
      for (const Table& part : split(block.table, ends_in_text(block.table) ? 0 : readable)) out += table_html(part);
      return out;
    }
  }
  return "";
}

std::string plot_html(const HtmlPlot& plot) {
  return fmt::format("<figure><img alt=\"{}\" src=\"data:image/svg+xml;base64,{}\"></figure>\n",
                     escape_html(plot.description), base64(plot.svg));
}

std::string method(const Report& report) {
  return fmt::format(
      "{} The seed chooses what could bias a figure: the address-space layout, the order of the cells, the time to the "
      "next timer tick, how many processes lived before, and how far the newest slabs are used. It chooses the same "
      "for every kernel. Each boot gives one value of a cell. A difference is the mean over pairs of boots with the "
      "same seed, and its interval is Student's, at {:.4g} %. The verdicts are corrected for the number of cells "
      "(Holm). 'Equivalent' means that a test has shown the difference to be smaller than {:.4g} %. It does not merely "
      "mean that no difference was seen.",
      properties_of(report.run.meter).method, 100 * report.options.level, report.options.margin_percent);
}

/// A string as it is, a list of words as one line.
std::string plain(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_array()) return to_text(json, 2);
  std::string out;
  for (const auto& item : json) out += (out.empty() ? "" : " ") + plain(item);
  return out;
}

/// The manifest: what a reader looks for first in a readable form (keys as run.cc writes them; those that are not there
/// are left out), then all of it.
std::string manifest_html(const RunRecord& run) {
  const auto parsed = parse_json(run.manifest);
  if (!parsed || !parsed->is_object() || parsed->empty()) {
    return run.manifest.empty() ? "<p>The run has no manifest.</p>\n"
                                : fmt::format("<pre>{}</pre>\n", escape_html(run.manifest));
  }
  const Json& json = *parsed;
  std::string out;
  std::vector<std::pair<std::string, std::string>> facts;
  if (const auto kernels = json.find("kernels"); kernels != json.end() && kernels->is_object()) {
    for (const auto& [name, kernel] : kernels->items()) {
      const auto hash = kernel.is_object() ? kernel.find("hash") : kernel.end();
      facts.emplace_back("kernel " + name, kernel.is_object() && hash != kernel.end() ? plain(*hash) : plain(kernel));
    }
  }
  for (const auto& [key, name] : {std::pair("initramfs_sha256", "initramfs, SHA-256"), std::pair("qemu", "QEMU")}) {
    if (const auto found = json.find(key); found != json.end()) facts.emplace_back(name, plain(*found));
  }
  if (!facts.empty()) out += facts_html(facts);
  for (const auto& [key, name] :
       {std::pair("qemu_command", "QEMU's command line"), std::pair("experiment", "The experiment")}) {
    if (const auto found = json.find(key); found != json.end()) {
      out += fmt::format("<p>{}:</p>\n<pre>{}</pre>\n", name, escape_html(plain(*found)));
    }
  }
  return out + fmt::format("<details><summary>The whole manifest</summary>\n<pre>{}</pre>\n</details>\n",
                           escape_html(to_text(json, 2)));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : without_controls(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string render_html(const Report& report, const std::vector<HtmlPlot>& plots) {
  const Document document = describe(report);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>{}</style>\n"
      "</head>\n<body>\n",
      escape_html(document.front().text), style);
  bool opened = false;  // the plots and the method stand before the first heading
  for (const Block& block : document) {
    if (block.kind == Block::Kind::heading && !opened) {
      opened = true;
      out += fmt::format("<h2>Method</h2>\n<p>{}</p>\n", escape_html(method(report)));
      if (!plots.empty()) out += "<h2>Plots</h2>\n";
      for (const HtmlPlot& plot : plots) out += plot_html(plot);
    }
    out += block_html(block);
  }
  out +=
      "<h2>Manifest</h2>\n<p>This is all that went into the run: the kernels with their hashes, the initramfs, QEMU's "
      "command line and the host.</p>\n";
  out += manifest_html(report.run);
  return out + "</body>\n</html>\n";
}

Result<std::string> write_html(const Report& report, const std::string& folder,
                               const std::vector<std::string>& pictures) {
  TRY(make_folders(folder));
  std::vector<HtmlPlot> plots;
  for (const Plot& plot : all_plots()) {
    const fs::path svg = fs::path(folder) / (std::string(plot.name) + ".svg");
    if (std::find(pictures.begin(), pictures.end(), svg.string()) == pictures.end()) continue;
    std::string picture = TRY(read_file(svg));
    plots.push_back({plot.description, std::move(picture)});
  }
  const fs::path path = fs::path(folder) / "report.html";
  TRY(write_file(path, render_html(report, plots)));
  return path.string();
}

}  // namespace nslab
