// SPDX-License-Identifier: GPL-2.0
#include "call_tree.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "archives.h"
#include "text.h"

namespace nslab {

namespace {

constexpr std::string_view kCountsHead = "nslab attribution 1";
constexpr std::string_view kTreeHead = "nslab calls 1";
constexpr std::uint64_t kMost = std::uint64_t{1} << 42;  // more than a boot can execute; sums do not overflow

/// The numbers of a line, or nothing when it has another count of them or anything else.
std::vector<std::uint64_t> numbers_of(std::string_view line, std::size_t count) {
  std::vector<std::uint64_t> numbers;
  while (numbers.size() < count) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc() || number > kMost) return {};
    numbers.push_back(number);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (numbers.size() == count) break;
    if (!line.starts_with(' ')) return {};
    line.remove_prefix(1);
  }
  return line.empty() ? numbers : std::vector<std::uint64_t>();
}

/// Appends a node if it may stand there.
bool add_node(CallTree& tree, const std::vector<std::uint64_t>& numbers, std::size_t functions) {
  if (numbers.size() != 4 || numbers[1] >= functions) return false;
  if (tree.nodes.empty() ? numbers[0] != 0 : numbers[0] >= tree.nodes.size()) return false;
  tree.nodes.push_back(
      {static_cast<std::uint32_t>(numbers[0]), static_cast<std::uint32_t>(numbers[1]), numbers[2], numbers[3]});
  return true;
}

/// "m FUNCTION LOADS STORES", if the line is one and the function is there.
std::optional<CallTree::Accesses> accesses_of(std::string_view line, std::size_t functions) {
  const auto numbers = line.starts_with("m ") ? numbers_of(line.substr(2), 3) : std::vector<std::uint64_t>();
  if (numbers.empty() || numbers[0] >= functions) return std::nullopt;
  return CallTree::Accesses{static_cast<std::uint32_t>(numbers[0]), numbers[1], numbers[2]};
}

/// The functions that occur, by their names: several functions of one name become one. The order is that of the names.
void keep_used_functions(CallTree& tree, const std::vector<FunctionName>& functions) {
  std::map<FunctionName, std::uint32_t> used;
  for (const CallTree::Node& node : tree.nodes) used.emplace(functions[node.function], 0);
  for (const CallTree::Accesses& accesses : tree.accesses) used.emplace(functions[accesses.function], 0);
  for (auto& [name, index] : used) {
    index = static_cast<std::uint32_t>(tree.functions.size());
    tree.functions.push_back(name);
  }
  for (CallTree::Node& node : tree.nodes) node.function = used.at(functions[node.function]);
  std::map<std::uint32_t, CallTree::Accesses> accesses;
  for (const CallTree::Accesses& of_one : tree.accesses) {
    const std::uint32_t function = used.at(functions[of_one.function]);
    CallTree::Accesses& sum = accesses.try_emplace(function, CallTree::Accesses{function, 0, 0}).first->second;
    sum.loads += of_one.loads;
    sum.stores += of_one.stores;
  }
  tree.accesses.clear();
  for (const auto& [function, sum] : accesses) tree.accesses.push_back(sum);
}

}  // namespace

std::uint64_t CallTree::sum() const {
  std::uint64_t sum = 0;
  for (const Node& node : nodes) sum += node.instructions;
  return sum;
}

Result<std::vector<CountedCell>> read_counts(std::string_view text, const std::vector<FunctionName>& functions) {
  const auto lines = lines_of(text);
  std::size_t at = 0;
  const auto wrong = [&](std::string_view what) {
    return negative_result("what the attribution plugin wrote is {} (line {} of {})", what, at + 1, lines.size());
  };
  std::vector<CountedCell> cells;
  if (lines.empty() || lines[0] != kCountsHead) return wrong("of another version, or nothing");
  for (at = 1; at < lines.size(); ++at) {
    const std::string_view line = lines[at];
    if (line.starts_with("complete ")) {
      const auto count = numbers_of(line.substr(9), 1);
      if (count.empty() || count[0] != cells.size() || at + 1 != lines.size()) return wrong("not what it counted");
      return cells;
    }
    const auto head = line.starts_with("cell ") ? numbers_of(line.substr(5), 3) : std::vector<std::uint64_t>();
    if (head.empty() || head[0] != cells.size() + 1) return wrong("not a cell's beginning");
    CountedCell cell{.windows = head[1], .idles = head[2], .tree = {}};
    for (++at; at < lines.size() && lines[at] != "end"; ++at) {
      if (const auto accesses = accesses_of(lines[at], functions.size())) {
        cell.tree.accesses.push_back(*accesses);
      } else if (!add_node(cell.tree, numbers_of(lines[at], 4), functions.size())) {
        return wrong("no node of a tree of calls");
      }
    }
    if (at == lines.size()) break;
    keep_used_functions(cell.tree, functions);
    cells.push_back(std::move(cell));
  }
  return wrong("cut short");
}

Result<std::string> pack(const CallTree& tree) {
  std::string text = fmt::format("{}\n{}\n", kTreeHead, tree.functions.size());
  for (const FunctionName& function : tree.functions) text += fmt::format("{}\t{}\n", function.object, function.name);
  for (const CallTree::Node& node : tree.nodes) {
    text += fmt::format("{} {} {} {}\n", node.parent, node.function, node.instructions, node.calls);
  }
  for (const CallTree::Accesses& accesses : tree.accesses) {
    text += fmt::format("m {} {} {}\n", accesses.function, accesses.loads, accesses.stores);
  }
  return compress(text);
}

Result<CallTree> unpack(std::string_view bytes) {
  const auto text = decompress(bytes);
  const auto damaged = [](std::string_view what) { return user_error("a stored tree of calls is damaged: {}", what); };
  if (!text) return damaged(text.error().message);
  const auto lines = lines_of(*text);
  if (lines.size() < 2 || lines[0] != kTreeHead) return damaged("its head is missing");
  const auto count = numbers_of(lines[1], 1);
  if (count.empty() || count[0] > lines.size() - 2) return damaged("it is cut short");
  CallTree tree;
  std::size_t at = 2;
  for (; tree.functions.size() < count[0]; ++at) {
    const auto tab = lines[at].find('\t');
    if (tab == std::string::npos) return damaged("a function has no name");
    tree.functions.push_back({lines[at].substr(0, tab), lines[at].substr(tab + 1)});
  }
  for (; at < lines.size(); ++at) {
    if (const auto accesses = accesses_of(lines[at], tree.functions.size())) {
      tree.accesses.push_back(*accesses);
    } else if (!add_node(tree, numbers_of(lines[at], 4), tree.functions.size())) {
      return damaged("a node is none");
    }
  }
  return tree;
}

}  // namespace nslab
