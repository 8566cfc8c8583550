// SPDX-License-Identifier: GPL-2.0
#include "citation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <set>
#include <sstream>

#include "headlines.h"
#include "numbers.h"
#include "table_2007.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

/// The keys of a citation, and the report that it cites. Every getter is an error when the key is missing.
class Asked {
 public:
  Asked(const Citation& citation, const Report& report) : citation_(citation), report_(report) {}

  /// Under the condition that the citation names, or else the one that the report shows. Exit::user when it is not
  /// there.
  static Result<Asked> make(const Citation& citation, const Report& report) {
    const auto wanted = citation.keys.find("condition");
    if (wanted == citation.keys.end() || wanted->second == report.condition) return Asked(citation, report);
    for (const Report& other : report.elsewhere) {
      if (other.condition == wanted->second) return Asked(citation, other);
    }
    return user_error("{} has no condition '{}'", report.run.experiment, wanted->second);
  }

  const Report& report() const { return report_; }
  Result<std::string> text(const std::string& key) const {
    const auto found = citation_.keys.find(key);
    if (found == citation_.keys.end()) return user_error("'{}' needs {}=…", citation_.kind, key);
    return found->second;
  }
  Result<std::vector<std::string>> list(const std::string& key) const { return split_at(TRY(text(key)), ','); }
  Result<int> number(const std::string& key, std::optional<int> otherwise = std::nullopt) const {
    if (otherwise && !citation_.keys.contains(key)) return *otherwise;
    const std::string value = TRY(text(key));
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) return user_error("{}={} is no number", key, value);
    return number;
  }
  Result<int> depth() const { return number("depth"); }
  /// By the statistic asked for, or else by the experiment's own.
  Result<const View*> view() const {
    if (!citation_.keys.contains("statistic")) return &report_.views.front();
    const std::string statistic = TRY(text("statistic"));
    for (const View& view : report_.views) {
      if (name_of(view.statistic) == statistic) return &view;
    }
    return user_error("the report of {} has no figures by the statistic '{}'", report_.run.experiment, statistic);
  }

 private:
  const Citation& citation_;
  const Report& report_;
};

std::optional<std::string> cost_of(const Cell& cell, Meter meter) {
  return estimate_text(cell.value, meter) +
         (cell.against_reference ? "\n" + difference_text(*cell.against_reference, meter) : "");
}

std::optional<std::string> difference_of(const Cell& cell, Meter meter) {
  if (!cell.against_reference) return std::nullopt;
  return difference_and_percent(*cell.against_reference, meter);
}

std::optional<std::string> depth_cost_of(const Cell& cell, Meter meter) {
  if (!cell.depth_cost) return std::nullopt;
  return difference_and_percent(*cell.depth_cost, meter);
}

/// Benchmarks down, kernels across, at one depth.
Result<Table> cell_table(const Asked& asked, std::optional<std::string> (*text_of)(const Cell&, Meter)) {
  const int depth = TRY(asked.depth());
  const auto kernels = TRY(asked.list("kernels"));
  const View* const view = TRY(asked.view());
  Table table;
  table.columns = {{fmt::format("depth {}", depth), "", Align::left}};
  for (const std::string& kernel : kernels) table.columns.push_back({kernel});
  for (const std::string& benchmark : TRY(asked.list("benchmarks"))) {
    std::vector<std::string> row = {benchmark};
    for (const std::string& kernel : kernels) {
      const auto cell = view->cells.find({benchmark, kernel, depth});
      std::optional<std::string> text;
      if (cell != view->cells.end()) {
        text = cell->second.state == Cell::State::refused    ? fmt::format("refused ({})", cell->second.refusal)
               : cell->second.state == Cell::State::measured ? text_of(cell->second, asked.report().run.meter)
                                                             : std::nullopt;
      }
      if (!text) {
        return user_error("{} has no such figure of {} on {} at depth {}", asked.report().run.experiment, benchmark,
                          kernel, depth);
      }
      row.push_back(*text);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// The lines of a headline difference; Exit::user when the run has none of it.
Result<std::vector<Explanation>> lines_of_headline(const Report& report, const HeadlineDifference& wanted) {
  for (auto& lines : by_headline(report.explanations)) {
    const Explanation& whole = lines.front();
    if (HeadlineDifference{whole.benchmark, whole.kernel, whole.depth, whole.baseline, whole.baseline_depth,
                           wanted.condition, wanted.baseline_condition} == wanted)
      return std::move(lines);
  }
  return user_error("{} does not say what makes {} on {} at depth {} differ from {} at depth {}", report.run.experiment,
                    wanted.benchmark, wanted.kernel, wanted.depth, wanted.baseline, wanted.baseline_depth);
}

/// Benchmarks down, kernels across: the whole difference, and that in changed code.
Result<Table> changed_table(const Asked& asked) {
  const int depth = TRY(asked.number("depth"));
  const std::string baseline = TRY(asked.text("baseline"));
  const int baseline_depth = TRY(asked.number("baseline_depth", depth));
  const auto kernels = TRY(asked.list("kernels"));
  Table table;
  table.columns = {{fmt::format("depth {}, against {}", depth, baseline), "", Align::left}};
  for (const std::string& kernel : kernels) {
    table.columns.push_back({kernel + ", all code"});
    table.columns.push_back({kernel + ", changed code"});
  }
  for (const std::string& benchmark : TRY(asked.list("benchmarks"))) {
    std::vector<std::string> row = {benchmark};
    for (const std::string& kernel : kernels) {
      const auto lines = TRY(lines_of_headline(asked.report(), {benchmark, kernel, depth, baseline, baseline_depth}));
      row.push_back(difference_text(lines[0]));
      row.push_back(difference_text(lines[1]));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// What one level costs: the difference of a depth from depth 0 of the same kernel, by the depth. Benchmarks and
/// conditions down, kernels across.
Result<Table> levels_table(const Citation& citation, const Report& report) {
  const Asked asked(citation, report);
  const int depth = TRY(asked.depth());
  const auto conditions = TRY(asked.list("conditions"));
  const auto kernels = TRY(asked.list("kernels"));
  if (depth < 1) return user_error("'levels' needs a depth of 1 or more");
  Table table;
  table.columns = {{depth == 1 ? "the first level" : fmt::format("a level, of {}", depth), "", Align::left}};
  for (const std::string& kernel : kernels) table.columns.push_back({kernel});
  for (const std::string& benchmark : TRY(asked.list("benchmarks"))) {
    for (const std::string& condition : conditions) {
      std::vector<std::string> row = {benchmark + ", " + condition};
      for (const std::string& kernel : kernels) {
        Citation under = citation;
        under.keys["condition"] = condition;
        const Asked one = TRY(Asked::make(under, report));
        const View& view = one.report().views.front();
        const auto cell = view.cells.find({benchmark, kernel, depth});
        if (cell != view.cells.end() && cell->second.state == Cell::State::refused) {
          row.push_back(fmt::format("refused ({})", cell->second.refusal));
          continue;
        }
        if (cell == view.cells.end() || !cell->second.depth_cost) {
          return user_error("{} has no cost of depth {} of {} on {} under '{}'", report.run.experiment, depth,
                            benchmark, kernel, condition);
        }
        Comparison level = *cell->second.depth_cost;
        level.difference /= depth;
        if (level.interval) level.interval = Interval{level.interval->low / depth, level.interval->high / depth};
        row.push_back(difference_text(level, report.run.meter));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

/// The parts of a difference, each followed by its functions.
Result<Table> why_table(const Asked& asked) {
  HeadlineDifference wanted;
  wanted.benchmark = TRY(asked.text("benchmark"));
  wanted.kernel = TRY(asked.text("kernel"));
  wanted.depth = TRY(asked.number("depth"));
  wanted.baseline = TRY(asked.text("baseline"));
  wanted.baseline_depth = TRY(asked.number("baseline_depth", wanted.depth));
  const auto lines = TRY(lines_of_headline(asked.report(), wanted));
  Table table;
  table.columns = {{wanted.benchmark, "", Align::left},
                   {fmt::format("{}, depth {}", wanted.baseline, wanted.baseline_depth)},
                   {fmt::format("{}, depth {}", wanted.kernel, wanted.depth)},
                   {"difference"}};
  const auto add = [&](const std::string& name, const Explanation& line) {
    table.rows.push_back({name, format_number(line.a, 1), format_number(line.b, 1), difference_text(line)});
  };
  Explanation same;
  for (const Explanation& part : lines) {
    if (!part.function.empty() || (part.part == kPartChanged && wanted.kernel == wanted.baseline)) continue;
    if (part.difference() == 0 && part.exact() && part.part != kPartAll) {
      same.a += part.a;
      same.b += part.b;
      continue;
    }
    add(part.part, part);
    for (const Explanation& line : lines) {
      if (!line.function.empty() && line.part == part.part && line.part != kPartAll) add("– " + line.function, line);
    }
  }
  if (same.a > 0) add(kAllElse, same);
  return table;
}

/// Main effects down, benchmarks across.
Result<Table> ideas_table(const Asked& asked) {
  constexpr std::string_view kMainEffect = "main effect: ";
  const int depth = TRY(asked.depth());
  const auto benchmarks = TRY(asked.list("benchmarks"));
  const View* const view = TRY(asked.view());
  Table table;
  table.columns = {{fmt::format("depth {}", depth), "", Align::left}};
  for (const std::string& benchmark : benchmarks) table.columns.push_back({benchmark});
  std::vector<std::string> ideas;
  for (const ContrastAnswer& answer : view->answers) {
    const std::string& name = answer.contrast.name;
    if (!name.starts_with(kMainEffect)) continue;
    if (std::find(ideas.begin(), ideas.end(), name) == ideas.end()) ideas.push_back(name);
  }
  for (const std::string& idea : ideas) {
    std::vector<std::string> row = {idea.substr(kMainEffect.size())};
    for (const std::string& benchmark : benchmarks) {
      const auto answer = std::find_if(view->answers.begin(), view->answers.end(), [&](const ContrastAnswer& a) {
        return a.contrast.name == idea && a.benchmark == benchmark && a.depth == depth;
      });
      if (answer == view->answers.end()) {
        return user_error("{} does not say what '{}' costs in {} at depth {}", asked.report().run.experiment, row[0],
                          benchmark, depth);
      }
      row.push_back(difference_text(answer->comparison, asked.report().run.meter));
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) return user_error("{} has no two designs for a mean effect", asked.report().run.experiment);
  return table;
}

/// Operations down, kernels across, for one quantity.
Result<Table> growth_table(const Asked& asked) {
  const std::string quantity = TRY(asked.text("quantity"));
  const auto kernels = TRY(asked.list("kernels"));
  const View* const view = TRY(asked.view());
  std::optional<int> depth;
  if (quantity != "levels") depth = TRY(asked.depth());
  Table table;
  table.columns = {{quantity, "", Align::left}, {"sizes", "", Align::left}};
  table.key_columns = 2;
  for (const std::string& kernel : kernels) table.columns.push_back({kernel});
  for (const std::string& operation : TRY(asked.list("operations"))) {
    std::vector<std::string> row = {operation, ""};
    for (const std::string& kernel : kernels) {
      const auto growth = std::find_if(view->growths.begin(), view->growths.end(), [&](const Growth& g) {
        return g.series == operation && g.quantity == quantity && g.kernel == kernel && g.depth == depth;
      });
      if (growth == view->growths.end()) {
        return user_error("{} has no curve of {} against {} on {}{}", asked.report().run.experiment, operation,
                          quantity, kernel, depth ? fmt::format(" at depth {}", *depth) : "");
      }
      const auto& [smallest, low] = growth->points.front();
      const auto& [largest, high] = growth->points.back();
      const std::string sizes = format_number(smallest, 0) + " to " + format_number(largest, 0);
      if (!row[1].empty() && row[1] != sizes) {
        return user_error("the curves of {} against {} have different sizes on different kernels", operation, quantity);
      }
      row[1] = sizes;
      const double ratio = high.value / low.value;
      row.push_back("× " + format_number(ratio, ratio < 10 ? 2 : 0));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// Seconds since 1970 of "2025-01-31T12:00:00Z".
std::optional<std::time_t> seconds_of(const std::string& iso_8601) {
  std::tm time{};
  const char* const end = ::strptime(iso_8601.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&time);
}

/// Runs down.
Result<Table> boots_table(const Citation& citation, const ReportOf& report_of) {
  Table table;
  table.columns = {{"experiment", "", Align::left}, {"boots"}, {"time of the boots"}};
  for (const std::string& name : citation.runs) {
    const Report* const report = TRY(report_of(name));
    const auto started = seconds_of(report->run.started);
    const auto finished = seconds_of(report->run.finished);
    if (!started || !finished) return user_error("{} has not finished", name);
    const auto minutes = std::lround(static_cast<double>(*finished - *started) / 60);
    table.rows.push_back({name, std::to_string(report->run.boots_done), fmt::format("{} min", std::max(1L, minutes))});
  }
  return table;
}

/// Runs and conditions down.
Result<Table> dearer_cells_table(const Citation& citation, const Asked& asked, const CellsOf& cells_of) {
  const std::string a = TRY(asked.text("a"));
  const std::string b = TRY(asked.text("b"));
  const double percent = TRY(percent_from(TRY(asked.text("percent"))));
  std::vector<ComparedRun> compared;
  for (const std::string& run : citation.runs) {
    for (const std::string& condition : TRY(asked.list("conditions")))
      compared.push_back({run, condition, TRY(cells_of(run, condition, a, b))});
  }
  return dearer_table(compared, percent);
}

Result<std::string> only_cell(const Table& table) {
  if (table.rows.size() != 1 || table.columns.size() != table.key_columns + 1) {
    return user_error("a figure is one cell, this is a table of {} rows and {} columns", table.rows.size(),
                      table.columns.size() - table.key_columns);
  }
  std::string cell = table.rows[0].back();
  for (std::size_t at; (at = cell.find('\n')) != std::string::npos;) cell.replace(at, 1, ", ");
  return cell;
}

}  // namespace

Result<Citation> parse_citation(std::string_view words) {
  Citation citation;
  std::istringstream stream{std::string(words)};
  stream >> citation.kind;
  for (std::string word; stream >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) {
      citation.runs.push_back(word);
    } else if (!citation.keys.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return user_error("{} is given twice", word.substr(0, equals));
    }
  }
  if (citation.runs.empty()) return user_error("'{}' names no run: KIND RUN KEY=VALUE… is expected", words);
  return citation;
}

Result<Table> cited_table(const Citation& citation, const CitedRuns& runs) {
  static const std::map<std::string, std::set<std::string>> kKeys = {
      {"cost", {"depth", "kernels", "benchmarks", "statistic"}},
      {"difference", {"depth", "kernels", "benchmarks", "statistic"}},
      {"depth", {"depth", "kernels", "benchmarks", "statistic"}},
      {"changed", {"depth", "kernels", "benchmarks", "baseline", "baseline_depth"}},
      {"why", {"benchmark", "kernel", "depth", "baseline", "baseline_depth"}},
      {"ideas", {"depth", "benchmarks", "statistic"}},
      {"growth", {"quantity", "depth", "kernels", "operations", "statistic"}},
      {"levels", {"depth", "kernels", "benchmarks", "conditions"}},
      {"2007", {"benchmark"}},
      {"dearer", {"a", "b", "percent", "conditions"}},
      {"boots", {}},
  };
  const auto kind = kKeys.find(citation.kind);
  if (kind == kKeys.end()) {
    std::vector<std::string> kinds;
    for (const auto& [name, keys] : kKeys) kinds.push_back(name);
    return user_error("there is no '{}'; there are: {}", citation.kind, fmt::join(kinds, ", "));
  }
  for (const auto& [key, value] : citation.keys) {
    const bool everywhere = key == "condition" && !kind->second.contains("conditions");
    if (!everywhere && !kind->second.contains(key)) return user_error("'{}' has no {}=…", citation.kind, key);
  }
  if (citation.kind == "boots") return boots_table(citation, runs.report);
  const Report* const report = TRY(runs.report(citation.runs[0]));
  if (citation.kind == "dearer") return dearer_cells_table(citation, Asked(citation, *report), runs.cells);
  if (citation.runs.size() != 1) return user_error("'{}' is about one run", citation.kind);
  if (citation.kind == "levels") return levels_table(citation, *report);
  const Asked asked = TRY(Asked::make(citation, *report));
  if (citation.kind == "cost") return cell_table(asked, cost_of);
  if (citation.kind == "difference") return cell_table(asked, difference_of);
  if (citation.kind == "depth") return cell_table(asked, depth_cost_of);
  if (citation.kind == "changed") return changed_table(asked);
  if (citation.kind == "why") return why_table(asked);
  if (citation.kind == "ideas") return ideas_table(asked);
  if (citation.kind == "growth") return growth_table(asked);
  Table summary = summary_2007(asked.report(), TRY(asked.text("benchmark")));
  for (const std::vector<std::string>& row : summary.rows) {
    for (const std::string& cell : row) {
      if (cell == kMissing) return user_error("{} lacks a figure of '{}'", report->run.experiment, row[0]);
    }
  }
  return summary;
}

Result<std::string> fill_citations(std::string_view text, const std::string& page, const CitedRuns& runs) {
  constexpr std::string_view kOpen = "<!-- ";
  constexpr std::string_view kClose = " -->";
  std::string filled;
  std::size_t done = 0;
  for (;;) {
    std::string_view kind;
    std::size_t start = std::string_view::npos;
    for (const std::string_view one : {"table", "figure", "mail"}) {
      const std::size_t at = text.find(fmt::format("{}{}: ", kOpen, one), done);
      if (at >= start) continue;
      start = at;
      kind = one;
    }
    if (start == std::string_view::npos) break;
    const auto fail = [&](const std::string& why) {
      return user_error("{}:{}: {}", page, 1 + std::count(text.begin(), text.begin() + static_cast<long>(start), '\n'),
                        why);
    };
    const std::string end_mark = fmt::format("<!-- end of {} -->", kind);
    const std::size_t head_end = text.find(kClose, start);
    const std::size_t end = text.find(end_mark, start);
    if (head_end == std::string_view::npos || end == std::string_view::npos || head_end > end) {
      return fail(fmt::format("there is no '{}' for this {}", end_mark, kind));
    }
    const std::size_t words = start + kOpen.size() + kind.size() + 2;
    const std::size_t body = head_end + kClose.size();
    if (text.substr(body, end - body).find(kOpen) != std::string_view::npos) {
      return fail(fmt::format("there is no '{}' before the next comment", end_mark));
    }
    const std::string asked(text.substr(words, head_end - words));
    const auto citation = parse_citation(kind == "mail" ? "mail " + asked : asked);
    if (!citation) return fail(citation.error().message);
    const auto shown = [&]() -> Result<std::string> {
      if (kind == "mail") return "\n```\n" + TRY(runs.mail(*citation)) + "```\n";
      const Table cited = TRY(cited_table(*citation, runs));
      return kind == "table" ? Result<std::string>("\n" + markdown_table(cited)) : only_cell(cited);
    }();
    if (!shown) return fail(shown.error().message);
    filled += text.substr(done, body - done);
    filled += *shown;
    filled += end_mark;
    done = end + end_mark.size();
  }
  return filled + std::string(text.substr(done));
}

}  // namespace nslab
