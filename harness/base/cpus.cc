// SPDX-License-Identifier: GPL-2.0
#include "cpus.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "files.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr int kMostCpus = 4096;

/// A file's one line as a list of CPUs; none where it cannot be read.
std::vector<int> list_in(const fs::path& file) {
  const auto text = read_file(file);
  if (!text) return {};
  return parse_cpu_list(text->substr(0, text->find('\n'))).value_or(std::vector<int>{});
}

std::vector<int> allowed_cpus(const fs::path& root) {
  constexpr std::string_view kKey = "Cpus_allowed_list:\t";
  const auto status = read_file(root / "proc/self/status");
  for (const std::string& line : lines_of(status ? *status : ""))
    if (line.starts_with(kKey)) return parse_cpu_list(line.substr(kKey.size())).value_or(std::vector<int>{});
  return {};
}

std::vector<int> siblings_of(const std::vector<Cpu>& cpus, const std::vector<int>& numbers) {
  std::set<int> siblings;
  for (const Cpu& cpu : cpus)
    if (std::find(numbers.begin(), numbers.end(), cpu.number) != numbers.end())
      siblings.insert(cpu.siblings.begin(), cpu.siblings.end());
  for (const int number : numbers) siblings.erase(number);
  return {siblings.begin(), siblings.end()};
}

/// The CPUs that have a core of their own, one a core, without the first core; of the node that has most of them.
std::vector<int> whole_cores(const std::vector<Cpu>& cpus) {
  std::map<int, std::vector<int>> by_node;
  std::set<int> of_seen_cores;
  for (const Cpu& cpu : cpus) {
    const bool is_first = &cpu == &cpus.front();
    if (!is_first && !of_seen_cores.contains(cpu.number)) by_node[cpu.node].push_back(cpu.number);
    of_seen_cores.insert(cpu.siblings.begin(), cpu.siblings.end());
  }
  const auto most = std::max_element(by_node.begin(), by_node.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  return most == by_node.end() ? std::vector<int>{} : most->second;
}

/// CpuPlace::node.
std::optional<int> node_of(const std::vector<Cpu>& cpus, const std::vector<int>& vcpus) {
  std::set<int> all;
  std::set<int> own;
  for (const Cpu& cpu : cpus) {
    all.insert(cpu.node);
    if (std::find(vcpus.begin(), vcpus.end(), cpu.number) != vcpus.end()) own.insert(cpu.node);
  }
  if (all.size() == 1 || own.size() != 1) return std::nullopt;
  return *own.begin();
}

}  // namespace

Result<std::vector<int>> parse_cpu_list(const std::string& text) {
  std::set<int> numbers;
  for (const std::string& part : split_at(text + ",", ',')) {
    int first = -1;
    int last = -1;
    const char* const end = part.data() + part.size();
    auto read = std::from_chars(part.data(), end, first);
    last = first;
    if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc() || read.ptr != end || first < 0 || last < first || last >= kMostCpus) {
      return user_error("'{}' is no list of CPUs: give numbers and ranges, as 2,4-7", text);
    }
    for (int number = first; number <= last; ++number) numbers.insert(number);
  }
  return std::vector<int>(numbers.begin(), numbers.end());
}

std::string cpu_list_text(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::vector<Cpu> usable_cpus(const fs::path& root) {
  const fs::path folder = root / "sys/devices/system";
  std::map<int, int> nodes;
  for (const fs::path& node : entries_of(folder / "node").value_or(std::vector<fs::path>{})) {
    const std::string name = node.filename().string();
    int number = 0;
    if (!name.starts_with("node") ||
        std::from_chars(name.data() + 4, name.data() + name.size(), number).ec != std::errc())
      continue;
    for (const int cpu : list_in(node / "cpulist")) nodes[cpu] = number;
  }
  std::vector<Cpu> cpus;
  for (const int number : allowed_cpus(root)) {
    Cpu cpu{number, list_in(folder / fmt::format("cpu/cpu{}/topology/thread_siblings_list", number)), nodes[number]};
    std::erase(cpu.siblings, number);
    cpus.push_back(std::move(cpu));
  }
  return cpus;
}

Result<std::vector<CpuPlace>> cpu_places(const std::vector<Cpu>& cpus, unsigned guests, int vcpus) {
  const auto each = static_cast<std::size_t>(vcpus);
  const auto cores = whole_cores(cpus);
  std::vector<int> all;
  for (const Cpu& cpu : cpus) all.push_back(cpu.number);
  std::vector<CpuPlace> places;
  if (cores.size() >= guests * each) {
    std::vector<int> others = {cpus.front().number};
    for (const int sibling : cpus.front().siblings)
      if (std::find(all.begin(), all.end(), sibling) != all.end()) others.push_back(sibling);
    std::sort(others.begin(), others.end());
    for (std::size_t first = 0; places.size() < guests; first += each) {
      const std::vector<int> own(cores.begin() + static_cast<long>(first),
                                 cores.begin() + static_cast<long>(first + each));
      places.push_back({own, others, siblings_of(cpus, own), node_of(cpus, own)});
    }
    return places;
  }
  if (guests > 1) {
    return machine_error(
        "{} at once with {} each need a core for each vCPU, and one more for all else, on one node of memory; beside "
        "that one, this process may use {}: give --jobs 1",
        counted(guests, "boot"), counted(each, "vCPU"), counted(cores.size(), "core"));
  }
  if (all.size() < each)
    return machine_error("{} need as many CPUs; this process may use {}", counted(each, "vCPU"), all.size());
  const auto split = all.end() - static_cast<long>(each);
  CpuPlace place{{split, all.end()}, {all.begin(), split}, {}};
  if (place.others.empty()) place.others = all;
  place.siblings = siblings_of(cpus, place.vcpus);
  place.node = node_of(cpus, place.vcpus);
  return std::vector<CpuPlace>{place};
}

CpuPlace FreePlaces::take() {
  std::unique_lock lock(mutex_);
  given_back_.wait(lock, [this] { return !free_.empty(); });
  CpuPlace place = std::move(free_.back());
  free_.pop_back();
  return place;
}

void FreePlaces::give_back(CpuPlace place) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(place));
  given_back_.notify_one();
}

}  // namespace nslab
