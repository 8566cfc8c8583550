// SPDX-License-Identifier: GPL-2.0
#include "outcomes.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "toml_reader.h"

namespace nslab::lab {

namespace {

const std::set<std::string> kResults = {"pass", "fail", "skip", "xfail"};

bool matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool any_matches(const std::vector<std::string>& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return matches(pattern, text); });
}

bool contains(const std::vector<int>& numbers, int number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool applies(const Expectation& entry, const Tested& tested, int depth) {
  return contains(entry.depths, depth) && (entry.below.empty() || contains(entry.below, tested.levels - depth)) &&
         any_matches(entry.bases, tested.base) && any_matches(entry.models, tested.model);
}

/// The first entry for this outcome, or null: it shall pass.
const Expectation* find_entry(const Outcome& outcome, const SelftestList& list, const Tested& tested) {
  for (const Expectation& entry : list.expected) {
    if (entry.program == outcome.program && matches(entry.name, outcome.name) && applies(entry, tested, outcome.depth))
      return &entry;
  }
  return nullptr;
}

std::vector<std::string> programs_of(const SelftestList& list) {
  std::vector<std::string> programs;
  for (const SelftestFolder& folder : list.folders) {
    for (const std::string& program : folder.programs) programs.push_back(folder.name + "/" + program);
  }
  return programs;
}

std::string describe(const Outcome& outcome) {
  return fmt::format("depth {}: {}{}{}", outcome.depth, outcome.program, outcome.name.empty() ? "" : ": ",
                     outcome.name);
}

std::string in_brackets(const std::string& text) { return text.empty() ? "" : " (" + text + ")"; }

}  // namespace

Result<SelftestList> parse_selftests(std::string_view text, const std::string& file_name) {
  const auto document = TRY(parse_toml(text, file_name));
  SelftestList list;
  TomlReader reader(document, file_name);
  for (const toml::table* table : reader.tables("folder")) {
    SelftestFolder folder;
    TomlReader fields(*table, file_name);
    fields.read("name", folder.name, true);
    fields.read("programs", folder.programs);
    TRY(fields.finish());
    list.folders.push_back(std::move(folder));
  }
  const auto programs = programs_of(list);
  for (const toml::table* table : reader.tables("expected")) {
    Expectation entry;
    entry.bases = {"*"};
    entry.models = {"*"};
    for (int depth = 0; depth <= kDeepest; ++depth) entry.depths.push_back(depth);
    TomlReader fields(*table, file_name);
    fields.read("program", entry.program, true);
    fields.read("case", entry.name, true);
    fields.read("bases", entry.bases);
    fields.read("models", entry.models);
    fields.read("depths", entry.depths, 0, kDeepest);
    fields.read("below", entry.below, 0, kDeepest);
    fields.read("result", entry.result, true);
    fields.read("reason", entry.reason, true);
    if (std::find(programs.begin(), programs.end(), entry.program) == programs.end())
      fields.reject("program", fmt::format("'{}' is not run", entry.program));
    if (!kResults.contains(entry.result) || entry.result == "pass")
      fields.reject("result", fmt::format("'result' is '{}', it must be fail, skip or xfail", entry.result));
    if (entry.reason.empty()) fields.reject("reason", "what does not pass has a reason");
    TRY(fields.finish());
    list.expected.push_back(std::move(entry));
  }
  TRY(reader.finish());
  return list;
}

Result<std::vector<Outcome>> parse_outcomes(std::string_view output) {
  std::vector<Outcome> outcomes;
  while (!output.empty()) {
    const auto line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(line.size() + 1, output.size()));
    if (line == "done" && output.empty()) return outcomes;
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find('\t', at), line.size());
      fields.emplace_back(line.substr(at, end - at));
      at = end + 1;
    }
    Outcome outcome;
    const auto number = [](const std::string& digits, int& value) {
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return error == std::errc() && end == digits.data() + digits.size() && value >= 0;
    };
    if (fields.size() != 5 || !kResults.contains(fields[0]) || !number(fields[1], outcome.depth))
      return negative_result("no outcome of a test: '{}'", line);
    outcome.result = fields[0];
    outcome.program = fields[2];
    outcome.name = fields[3];
    outcome.detail = fields[4];
    outcomes.push_back(std::move(outcome));
  }
  return negative_result("the output of run_selftests has no end");
}

std::vector<std::string> judge(const std::vector<Outcome>& outcomes, const SelftestList& list, const Tested& tested) {
  std::vector<std::string> complaints;
  std::set<std::pair<const Expectation*, int>> used;
  std::set<std::pair<std::string, int>> heard;
  for (const Outcome& outcome : outcomes) {
    heard.emplace(outcome.program, outcome.depth);
    const Expectation* entry = find_entry(outcome, list, tested);
    if (entry != nullptr) used.emplace(entry, outcome.depth);
    const std::string expected = entry == nullptr ? "pass" : entry->result;
    if (outcome.result != expected) {
      complaints.push_back(fmt::format("{}: {}, expected was {}{}", describe(outcome), outcome.result, expected,
                                       in_brackets(entry == nullptr ? outcome.detail : entry->reason)));
    }
  }
  for (int depth = 0; depth <= tested.max_depth(); ++depth) {
    for (const Expectation& entry : list.expected) {
      if (applies(entry, tested, depth) && !used.contains({&entry, depth})) {
        complaints.push_back(fmt::format("depth {}: {}: {}: listed as {}, but there is no such case", depth,
                                         entry.program, entry.name, entry.result));
      }
    }
    for (const std::string& program : programs_of(list)) {
      if (!heard.contains({program, depth})) complaints.push_back(fmt::format("depth {}: {}: not run", depth, program));
    }
  }
  return complaints;
}

std::string table_of(const std::vector<Outcome>& outcomes, const SelftestList& list, const Tested& tested) {
  std::map<std::pair<std::string, int>, std::map<std::string, int>> counts;
  for (const Outcome& outcome : outcomes) {
    ++counts[{outcome.program, outcome.depth}][outcome.result];
    ++counts[{"all", outcome.depth}][outcome.result];
  }
  std::vector<std::string> rows = programs_of(list);
  rows.emplace_back("all");

  std::string text = fmt::format("{:<52}", tested.model + ", kernel selftests");
  for (int depth = 0; depth <= tested.max_depth(); ++depth)
    text += fmt::format("{:<18}", fmt::format("depth {}", depth));
  for (const std::string& row : rows) {
    text += fmt::format("\n{:<52}", row);
    for (int depth = 0; depth <= tested.max_depth(); ++depth) {
      std::string cell;
      for (const auto& [result, count] : counts[{row, depth}]) cell += fmt::format("{} {} ", count, result);
      text += fmt::format("{:<18}", cell);
    }
  }
  text += "\n";
  for (const Outcome& outcome : outcomes) {
    if (outcome.result == "pass") continue;
    const Expectation* entry = find_entry(outcome, list, tested);
    text += fmt::format("{}: {}: {}\n", describe(outcome), outcome.result,
                        entry == nullptr ? "not expected" + in_brackets(outcome.detail) : entry->reason);
  }
  return text;
}

}  // namespace nslab::lab
