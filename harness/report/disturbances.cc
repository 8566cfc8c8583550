// SPDX-License-Identifier: GPL-2.0
#include "disturbances.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "json.h"
#include "text.h"

namespace nslab {
namespace {

// Per cent.
constexpr double kMostWaited = 1;
constexpr double kMostStolen = 1;
constexpr double kMostOthers = 2;
constexpr double kMostSiblings = 10;
constexpr double kMostFrequency = 5;

std::map<std::string, std::uint64_t> host_numbers(const Sample& sample) {
  std::map<std::string, std::uint64_t> numbers;
  const Json layout = layout_of(sample);
  for (const auto& [name, value] : layout.items())
    if (name.starts_with("host_") && value.is_number_unsigned()) numbers[name] = value.get<std::uint64_t>();
  return numbers;
}

std::vector<std::string> disturbances(const std::map<std::string, std::uint64_t>& numbers) {
  const auto number = [&](const char* name) {
    const auto found = numbers.find(name);
    return found == numbers.end() ? 0.0 : static_cast<double>(found->second);
  };
  std::vector<std::string> found;
  const auto say = [&](double part, double whole, double most, const char* what) {
    const double percent = whole > 0 ? 100 * part / whole : 0;
    if (percent > most) found.push_back(fmt::format("{} {:.1f} %", what, percent));
  };
  const double watched = number("host_watched_us");
  const double waited = number("host_waited_us");
  say(waited, number("host_ran_us") + waited, kMostWaited, "it waited for its CPU for");
  say(number("host_stolen_us"), watched, kMostStolen, "a hypervisor took");
  say(number("host_others_us"), watched, kMostOthers, "others used its CPU for");
  say(number("host_siblings_us"), watched, kMostSiblings, "others used its core for");
  const double high = number("host_mhz_high");
  say(high - number("host_mhz_low"), high, kMostFrequency, "the frequency moved by");
  if (const double stopped = number("host_stopped_us"); stopped > 0)
    found.push_back(fmt::format("QEMU was stopped for {:.1f} s", stopped / 1e6));
  if (number("host_throttled") > 0) found.emplace_back("the CPU was slowed by heat");
  return found;
}

}  // namespace

std::vector<WatchedBoot> watched_boots(const std::vector<Sample>& samples) {
  std::map<std::pair<std::uint64_t, std::string>, WatchedBoot> boots;
  for (const Sample& sample : samples) {
    const auto [boot, is_new] = boots.try_emplace({sample.seed, sample.kernel});
    if (!boot->second.numbers.empty()) continue;
    auto numbers = host_numbers(sample);
    auto by = disturbances(numbers);
    boot->second = {sample.kernel, sample.seed, std::move(numbers), std::move(by)};
  }
  std::vector<WatchedBoot> watched;
  for (auto& [key, boot] : boots)
    if (!boot.numbers.empty()) watched.push_back(std::move(boot));
  return watched;
}

std::string disturbance_rules() {
  return fmt::format(
      "A boot is marked as disturbed when, over all of it and all its vCPUs, the guest waited for a CPU for more than "
      "{} % "
      "of the time that it could have run, a hypervisor above took more than {} %, other programs used its CPU for "
      "more than {} % of the time or the "
      "other CPUs of its core for more than {} %, its CPU's frequency moved by more than {} %, the CPU was slowed by "
      "heat, or somebody stopped QEMU. Marked boots are kept, and are part of all figures.",
      kMostWaited, kMostStolen, kMostOthers, kMostSiblings, kMostFrequency);
}

}  // namespace nslab
