// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include <algorithm>

#include "disturbances.h"
#include "numbers.h"
#include "sections.h"
#include "text.h"
#include "words.h"

namespace nslab {
namespace {

constexpr std::size_t kMostRows = 20;

/// Per cent of the time, or the sign for none where this host does not tell.
std::string share_text(const WatchedBoot& boot, const char* name) {
  const auto part = boot.numbers.find(name);
  const auto watched = boot.numbers.find("host_watched_us");
  if (part == boot.numbers.end() || watched == boot.numbers.end() || watched->second == 0) return std::string(kMissing);
  return format_number(100.0 * static_cast<double>(part->second) / static_cast<double>(watched->second), 1);
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
    table.rows.push_back({boot->kernel, fmt::to_string(boot->seed), number_text(*boot, "host_cpu"),
                          share_text(*boot, "host_waited_us"), share_text(*boot, "host_stolen_us"),
                          share_text(*boot, "host_others_us"), share_text(*boot, "host_siblings_us"),
                          number_text(*boot, "host_mhz_low"), number_text(*boot, "host_mhz_high"),
                          number_text(*boot, "host_celsius"), fmt::format("{}", fmt::join(boot->disturbed_by, "; "))});
  }
  return table;
}

}  // namespace

std::string disturbed_text(const Report& report) {
  const auto disturbed = std::count_if(report.watched.begin(), report.watched.end(),
                                       [](const WatchedBoot& boot) { return !boot.disturbed_by.empty(); });
  if (disturbed == 0) return "";
  return fmt::format(
      "DISTURBED: {} of {} boots were disturbed by what else this host did. The section on the host has them.",
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
       .text =
           fmt::format("The boots that were disturbed, {} of {}{}. Waited: the guest's CPU was taken from it. Stolen: "
                       "by a hypervisor above. Others: programs on its CPU while the guest did not use it. Its core: "
                       "programs on the core's other CPUs.",
                       shown + more, report.watched.size(), more > 0 ? fmt::format(" ({} are not shown)", more) : ""),
       .table = table_of(disturbed)});
  return section;
}

}  // namespace nslab
