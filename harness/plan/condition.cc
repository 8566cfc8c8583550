// SPDX-License-Identifier: GPL-2.0
#include "condition.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <vector>

namespace nslab {

namespace {

/// The number of "aged=1000000" in that range; 0 when it is none.
int number_of(std::string_view text, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= low && number <= high ? number : 0;
}

}  // namespace

std::string name_of(const Condition& condition) {
  if (condition == kQuiet) return "quiet";
  if (condition == kHost) return "host";
  std::vector<std::string> parts;
  if (condition.ids_next == kAgedIdsNext) parts.emplace_back("aged");
  if (condition.ids_next > 0 && condition.ids_next != kAgedIdsNext)
    parts.push_back(fmt::format("aged={}", condition.ids_next));
  if (condition.residents > 0) parts.push_back(fmt::format("residents={}", condition.residents));
  if (condition.container) parts.emplace_back("container");
  return fmt::format("{}", fmt::join(parts, "+"));
}

Result<Condition> condition_from(std::string_view name) {
  if (name == "quiet") return kQuiet;
  if (name == "host") return kHost;
  Condition condition;
  for (std::string_view rest = name;;) {
    const auto end = rest.find('+');
    const std::string_view part = rest.substr(0, end);
    if (part == "aged" && condition.ids_next == 0) {
      condition.ids_next = kAgedIdsNext;
    } else if (part.starts_with("aged=") && condition.ids_next == 0) {
      condition.ids_next = number_of(part.substr(5), kLeastIdsNext, kMostIdsNext);
      if (condition.ids_next == 0) break;
    } else if (part.starts_with("residents=") && condition.residents == 0) {
      condition.residents = number_of(part.substr(10), 1, kMostResidents);
      if (condition.residents == 0) break;
    } else if (part == "container" && !condition.container) {
      condition.container = true;
    } else {
      break;
    }
    if (end == std::string_view::npos) return condition;
    rest.remove_prefix(end + 1);
  }
  return user_error(
      "there is no condition '{}': it is 'quiet', 'host', or some of 'aged' ('aged={}' to '={}'), 'residents=1' to "
      "'={}' and 'container', joined by '+'",
      name, kLeastIdsNext, kMostIdsNext, kMostResidents);
}

std::string words_for(const Condition& condition) {
  return fmt::format(
      "{}, {}, {}", condition.ids_next == 0 ? "ids low and fresh" : fmt::format("ids from {}", condition.ids_next),
      condition.residents == 0 ? "no other processes" : fmt::format("{} residents a namespace", condition.residents),
      condition.container ? "in a container's cgroup" : "in the root cgroup");
}

}  // namespace nslab
