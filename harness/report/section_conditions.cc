// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <optional>
#include <set>

#include "condition.h"
#include "sections.h"
#include "words.h"

namespace nslab {
namespace {

/// The operations that processes begin and end with: what a condition moves most.
constexpr std::string_view kShown[] = {"fork_exit_wait",   "fork_overlap",       "fork_burst_32",   "vfork_exit_wait",
                                       "vfork_overlap",    "thread_create_join", "thread_overlap",  "clone3_vm",
                                       "fork_exec_static", "posix_spawn_static", "proc_readdir_100"};

/// Which of a cell's comparisons.
using ComparisonOf = std::optional<Comparison> Cell::*;

const Comparison* comparison_in(const Report& report, const CellKey& key, ComparisonOf of) {
  const auto& cells = report.views.front().cells;
  const auto found = cells.find(key);
  if (found == cells.end()) return nullptr;
  const auto& comparison = found->second.*of;
  return comparison ? &*comparison : nullptr;
}

/// -1, 0 or 1: which way the difference is decided, if it is.
int direction_of(const Comparison& comparison) {
  return comparison.verdict == Verdict::more ? 1 : comparison.verdict == Verdict::less ? -1 : 0;
}

/// In a word what a reader must know of the row: a verdict that turns round, or that is there under some conditions
/// only.
std::string finding(const std::vector<const Comparison*>& comparisons) {
  std::set<int> directions;
  for (const Comparison* c : comparisons) {
    if (c != nullptr) directions.insert(direction_of(*c));
  }
  if (directions.contains(1) && directions.contains(-1)) return "REVERSES";
  if (directions.size() > 1) return "decided in part";
  return "";
}

/// One row a cell, one column a condition. Cells that fewer than two conditions have are left out.
/// `same_reference`: a condition that has another reference than `report` is left empty.
Table table_of(const Report& report, const std::vector<const Report*>& all, bool same_reference, ComparisonOf of) {
  Table table;
  table.key_columns = 2;
  table.columns = {{"operation", "", Align::left}, {"kernel", "", Align::left}};
  for (const Report* one : all) table.columns.push_back({one->condition});
  table.columns.push_back({"", "", Align::left});
  for (const std::string_view operation : kShown) {
    for (const int depth : report.depths) {
      for (const std::string& kernel : report.kernels) {
        const CellKey key{std::string(operation), kernel, depth};
        std::vector<const Comparison*> comparisons;
        int there = 0;
        for (const Report* one : all) {
          const bool comparable = !same_reference || one->reference == report.reference;
          comparisons.push_back(comparable ? comparison_in(*one, key, of) : nullptr);
          there += comparisons.back() != nullptr ? 1 : 0;
        }
        if (there < 2) continue;
        std::vector<std::string> row = {key.benchmark, fmt::format("{}, depth {}", kernel, depth)};
        for (const Comparison* c : comparisons) {
          row.push_back(c == nullptr
                            ? std::string(kMissing)
                            : fmt::format("{} {}", difference_text(*c, report.run.meter), mark_of(c->verdict)));
        }
        row.push_back(finding(comparisons));
        table.rows.push_back(std::move(row));
      }
    }
  }
  return table;
}

}  // namespace

Document conditions_section(const Report& report) {
  if (report.elsewhere.empty()) return {};
  std::vector<const Report*> all = {&report};
  for (const Report& other : report.elsewhere) all.push_back(&other);
  Block conditions{Block::Kind::bullets};
  for (const Report* one : all) {
    if (const auto condition = condition_from(one->condition)) {
      conditions.bullets.push_back(fmt::format("{}: {}", one->condition, words_for(*condition)));
    }
  }
  Document section = {
      {Block::Kind::heading, "What depends on the condition"},
      {Block::Kind::paragraph,
       "A cost is one of a kernel and of what the kernel finds: which ids live and come next, how many processes there "
       "are, and whether memory is charged to a cgroup. Each column is one condition, and its differences are between "
       "cells of that condition. '>' costs more, '<' costs less, '=' equivalent, '?' undecided. 'REVERSES' marks a "
       "difference whose verdict turns round from one condition to another, and 'decided in part' one that has a "
       "direction under some of them only."},
      conditions};
  const auto add = [&](const std::string& caption, Table table) {
    if (table.rows.empty()) return;
    section.push_back(
        {.kind = Block::Kind::table,
         .text = fmt::format("{}, in {} ({}, {}, ± the {} interval)", caption,
                             quantity_text(report.run, report.views.front().statistic), meter_text(report.run),
                             boots_text(report, report.views.front()), level_text(report.options.level)),
         .table = std::move(table)});
  };
  add(fmt::format("Differences from {}", reference_text(report)),
      table_of(report, all, /*same_reference=*/true, &Cell::against_reference));
  add("The cost of depth: differences from depth 0 of the same kernel",
      table_of(report, all, /*same_reference=*/false, &Cell::depth_cost));
  return section;
}

}  // namespace nslab
