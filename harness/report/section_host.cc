// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "disturbances.h"
#include "headlines.h"
#include "numbers.h"
#include "sections.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

constexpr std::size_t kMostRows = 20;
constexpr double kLeastDrift = 1;  // per cent: less is not worth a line

/// Per cent of the time, or the sign for none where this host does not tell.
std::string share_text(const WatchedBoot& boot, const char* name) {
  const auto part = boot.numbers.find(name);
  const auto watched = boot.numbers.find("host_watched_us");
  if (part == boot.numbers.end() || watched == boot.numbers.end() || watched->second == 0) return std::string(kMissing);
  return format_number(100.0 * static_cast<double>(part->second) / static_cast<double>(watched->second), 1);
}

/// Likewise, of the time in which the guest could have run.
std::string waited_text(const WatchedBoot& boot) {
  const auto ran = boot.numbers.find("host_ran_us");
  const auto waited = boot.numbers.find("host_waited_us");
  if (ran == boot.numbers.end() || waited == boot.numbers.end()) return std::string(kMissing);
  const auto part = static_cast<double>(waited->second);
  return format_number(100 * part / (part + static_cast<double>(ran->second)), 1);
}

/// "none 1 of 10, multi 6 of 10": whether it is one kernel that was disturbed.
std::string by_kernel_text(const std::vector<WatchedBoot>& boots) {
  std::map<std::string, std::pair<int, int>> kernels;
  for (const WatchedBoot& boot : boots) {
    auto& [disturbed, all] = kernels[boot.kernel];
    disturbed += boot.disturbed_by.empty() ? 0 : 1;
    ++all;
  }
  std::vector<std::string> texts;
  for (const auto& [kernel, counts] : kernels)
    texts.push_back(fmt::format("{} {} of {}", kernel, counts.first, counts.second));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string number_text(const WatchedBoot& boot, const char* name) {
  const auto number = boot.numbers.find(name);
  return number == boot.numbers.end() ? std::string(kMissing) : format_number(static_cast<double>(number->second), 0);
}

Table table_of(const std::vector<const WatchedBoot*>& boots) {
  Table table;
  table.key_columns = 2;
  table.columns = {{"kernel", "", Align::left},
                   {"seed"},
                   {"CPU"},
                   {"waited", "%"},
                   {"stolen", "%"},
                   {"others", "%"},
                   {"its core", "%"},
                   {"MHz", "least"},
                   {"MHz", "most"},
                   {"°C"},
                   {"disturbed", "", Align::left}};
  for (const WatchedBoot* boot : boots) {
    table.rows.push_back({boot->kernel, fmt::to_string(boot->seed), number_text(*boot, "host_cpu"), waited_text(*boot),
                          share_text(*boot, "host_stolen_us"), share_text(*boot, "host_others_us"),
                          share_text(*boot, "host_siblings_us"), number_text(*boot, "host_mhz_low"),
                          number_text(*boot, "host_mhz_high"), number_text(*boot, "host_celsius"),
                          fmt::format("{}", fmt::join(boot->disturbed_by, "; "))});
  }
  return table;
}

/// A standard deviation in per cent of what the cell costs.
std::string spread_text(double deviation, double cost) {
  if (cost <= 0) return std::string(kMissing);
  return deviation > 0 ? format_number(100 * deviation / cost, 2) : "not seen";
}

Table levels_table(const Report& report, const std::vector<const CellLevels*>& cells) {
  const std::string missing(kMissing);
  Table table;
  table.key_columns = 3;
  table.columns = {{"benchmark", "", Align::left},
                   {"depth"},
                   {"kernel", "", Align::left},
                   {"builds", "sd, %"},
                   {"boots", "sd, %"},
                   {"repetitions", "sd, %"},
                   {"against " + report.reference, "%"},
                   {"bootstrap", level_text(report.options.level)}};
  for (const CellLevels* cell : cells) {
    const double cost = cell->mean;
    std::vector<std::string> row = {cell->benchmark, fmt::to_string(cell->depth), cell->kernel};
    if (cell->levels) {
      row.insert(row.end(),
                 {spread_text(cell->levels->between_builds, cost), spread_text(cell->levels->between_boots, cost),
                  spread_text(cell->levels->of_repetitions, cost)});
    } else {
      row.insert(row.end(), 3, missing);
    }
    row.push_back(cell->ratio ? format_signed(100 * (*cell->ratio - 1), 2) : missing);
    std::optional<Interval> per_cent;
    if (cell->bootstrap) per_cent = Interval{100 * (cell->bootstrap->low - 1), 100 * (cell->bootstrap->high - 1)};
    row.push_back(per_cent ? interval_text(per_cent, 2) : missing);
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// The cells of headline operations, or all of them where there are few.
std::vector<const CellLevels*> cells_to_show(const Report& report) {
  std::vector<const CellLevels*> cells;
  for (const CellLevels& cell : report.levels)
    if (report.levels.size() <= kMostRows || is_headline(cell.benchmark)) cells.push_back(&cell);
  return cells;
}

std::string needed_text(const PairsNeeded& needed, const std::string& what) {
  switch (needed.kind) {
    case PairsNeeded::Kind::more:
      return "about " + counted(static_cast<std::uint64_t>(needed.pairs), "more " + what);
    case PairsNeeded::Kind::too_many:
      return fmt::format("more than 1,000 {}s", what);
    case PairsNeeded::Kind::by_floor:
      return fmt::format(
          "within the interval of what multi and multi-twin differ by, and {}s alone may not change that", what);
    case PairsNeeded::Kind::unknown:
      break;
  }
  return fmt::format("not known from so few {}s", what);
}

/// What would decide the comparisons that are not decided: with the reference, and with depth 0 of the same kernel.
std::vector<std::string> undecided_texts(const Report& report) {
  const auto& cells = report.views.front().cells;
  std::vector<std::string> texts;
  const auto add = [&](std::optional<Comparison> Cell::*comparison, const char* against) {
    const auto family = static_cast<std::size_t>(std::count_if(
        cells.begin(), cells.end(), [&](const auto& cell) { return (cell.second.*comparison).has_value(); }));
    for (const auto& [key, cell] : cells) {
      if (!(cell.*comparison)) continue;
      const auto needed =
          pairs_to_decide(*(cell.*comparison), report.options.margin_percent, report.options.level, family);
      if (!needed) continue;
      texts.push_back(fmt::format("{}{}: {}", place_text(key), against,
                                  needed_text(*needed, report.builds > 1 ? "build" : "round")));
    }
  };
  add(&Cell::against_reference, "");
  add(&Cell::depth_cost, ", against its depth 0");
  return texts;
}

std::vector<std::string> drift_texts(const Report& report) {
  std::vector<std::string> texts;
  for (const CellLevels& cell : report.levels) {
    if (!cell.drift || std::abs(*cell.drift) < kLeastDrift) continue;
    texts.push_back(
        fmt::format("{}: {} %", place_text({cell.benchmark, cell.kernel, cell.depth}), format_signed(*cell.drift, 1)));
  }
  return texts;
}

/// A list with a sentence before it; nothing for an empty one.
void add_list(Document& section, const std::string& sentence, std::vector<std::string> texts) {
  if (texts.empty()) return;
  const std::size_t more = texts.size() > kMostRows ? texts.size() - kMostRows : 0;
  if (more > 0) texts.resize(kMostRows);
  if (more > 0) texts.push_back(fmt::format("and {} more", more));
  section.push_back({Block::Kind::paragraph, sentence});
  section.push_back({.kind = Block::Kind::bullets, .bullets = std::move(texts)});
}

}  // namespace

Document levels_section(const Report& report) {
  if (report.levels.empty()) return {};
  Document section = {{Block::Kind::heading, "What the time depends on"}};
  if (report.builds > 1) {
    section.push_back(
        {.kind = Block::Kind::table,
         .text = fmt::format(
             "How far times vary ({}), as standard deviations: from build to build of one kernel, whose code lies "
             "elsewhere; from boot to boot of one build, beside what its round did to all; and a boot's mean, as its "
             "two halves "
             "tell. Behind it, the difference from {} with an interval by a hierarchical bootstrap over builds and "
             "boots ({} builds or more have one). It is not corrected for many cells, and takes no notice of a floor. "
             "The other tables' intervals are Student's over pairs of builds of the same number, and they have the "
             "verdicts.",
             meter_text(report.run), report.reference, kLeastBuilds),
         .table = levels_table(report, cells_to_show(report))});
  } else {
    section.push_back(
        {Block::Kind::paragraph,
         "Each kernel is one build. Another layout of the same code may be faster or slower by more than the "
         "intervals say: builds = 5 in the experiment samples layouts as well."});
  }
  add_list(section,
           fmt::format("Not decided, and how many more {} would decide it in 4 of 5 cases, if the mean and the spread "
                       "stayed as they are. Make them at once: who looks again and again is wrong more often.",
                       report.builds > 1 ? "builds" : "rounds (boots of each kernel)"),
           undecided_texts(report));
  add_list(
      section,
      "Not steady: the second half of a boot's repetitions differs from the first by so much, over all boots (by a "
      "test at 1 % for each cell: one of a hundred is there by chance). Nothing was left out.",
      drift_texts(report));
  return section;
}

std::string disturbed_text(const Report& report) {
  const auto disturbed = std::count_if(report.watched.begin(), report.watched.end(),
                                       [](const WatchedBoot& boot) { return !boot.disturbed_by.empty(); });
  if (disturbed == 0) return "";
  return fmt::format(
      "DISTURBED: what else this host did has disturbed {} of {} boots. The section 'What the host did meanwhile' has "
      "them.",
      disturbed, report.watched.size());
}

Document host_section(const Report& report) {
  if (report.watched.empty()) return {};
  std::vector<const WatchedBoot*> disturbed;
  for (const WatchedBoot& boot : report.watched)
    if (!boot.disturbed_by.empty()) disturbed.push_back(&boot);
  Document section = {{Block::Kind::heading, "What the host did meanwhile"},
                      {Block::Kind::paragraph, disturbance_rules()}};
  if (disturbed.empty()) {
    section.push_back({Block::Kind::paragraph,
                       fmt::format("{} watched, and none was disturbed.", counted(report.watched.size(), "boot"))});
    return section;
  }
  const std::size_t shown = std::min(disturbed.size(), kMostRows);
  const std::size_t more = disturbed.size() - shown;
  disturbed.resize(shown);
  section.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format(
           "The boots that were disturbed ({}), {} of {}{}; by kernel: {}. Waited: the guest could have run, "
           "and did not. Stolen: by a hypervisor above. Others: programs on its CPU while the guest did "
           "not use it. Its core: "
           "programs on the core's other CPUs.",
           meter_text(report.run), shown + more, report.watched.size(),
           more > 0 ? fmt::format(" ({} are not shown)", more) : "", by_kernel_text(report.watched)),
       .table = table_of(disturbed)});
  return section;
}

}  // namespace nslab
