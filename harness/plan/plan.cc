// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

#include <algorithm>
#include <numeric>

#include "hash.h"
#include "json.h"
#include "text.h"

namespace nslab {

namespace {

/// A stream of numbers that depends on a seed and a purpose alone. SplitMix64 (Steele, Lea, Flood: Fast Splittable
/// Pseudorandom Number Generators, OOPSLA 2014) started from a hash; the standard library's distributions are left
/// alone as they differ between implementations.
class SeededNumbers {
 public:
  SeededNumbers(std::uint64_t seed, const std::string& purpose)
      : state_(std::stoull(sha256(fmt::format("{} {}", seed, purpose)).substr(0, 16), nullptr, 16)) {}

  /// Uniform in [0, bound); the bias of the multiplication is below bound / 2^64.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(next()) * bound >> 64);
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::uint64_t state_;
};

struct Cell {
  std::string benchmark;
  int depth;
  auto operator<=>(const Cell&) const = default;
};

// The ranges the seed chooses from. Layout: a page table maps 512 pages, so that 1,024 pages move mappings across table
// borders in all ways that matter to fork's copying of page tables; the environment moves the stack by up to two pages.
constexpr std::uint64_t kMmapPages = 1024;
constexpr std::uint64_t kEnvironmentBytes = 8192;
constexpr std::uint64_t kHistory = 64;  // one leaf of the IDR's radix tree
// One tick at Debian's HZ=250 is 4,000,000; the last of it is left out, as a start that close to the next tick falls
// behind it.
constexpr std::uint64_t kTickPhase = 3'900'000;
constexpr std::uint64_t kSlabPhases = 1000;  // thousandths of a slab

/// Seeds in a row are spread evenly over the slab: the phase goes on by the golden section from seed to seed (an
/// additive recurrence: Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, 1992, chapter 3).
std::uint64_t slab_phase(std::uint64_t seed, const std::string& benchmark) {
  constexpr std::uint64_t kGolden = 618;
  const std::uint64_t first = SeededNumbers(0, benchmark + " slab").below(kSlabPhases);
  return (first + seed % kSlabPhases * kGolden) % kSlabPhases;
}

// The kernel, the initramfs, PID 1 and the worker, with what the other cells of a boot leave for later. 128 MiB is what
// an experiment may ask for at the least.
constexpr std::uint64_t kGuestMib = 128;

/// Of all levels together.
int residents_in(const Condition& condition, int depth) { return (depth + 1) * condition.residents; }

/// All processes of all namespaces have an id in the initial one.
Result<void> check_ids(const Experiment& experiment, const Measure& measure, const Benchmark& benchmark, int depth,
                       const Condition& condition) {
  constexpr int kRoom = 400;  // the 300 ids that are not given out twice, the kernel's threads, the benchmark's own
  const int residents = residents_in(condition, depth);
  const bool of_processes = benchmark.point && (benchmark.point->quantity == "processes" ||
                                                benchmark.point->quantity.ends_with("namespaces"));
  const int others = of_processes ? static_cast<int>(benchmark.point->value) : 0;
  const int ids = depth + 1 + residents + others + kRoom;
  const int pid_max = experiment.pid_max_of(condition);
  if (ids <= pid_max) return {};
  return user_error(
      "{}: '{}' at depth {} under the condition '{}' needs {} process ids ({} residents, {} processes of the "
      "benchmark's, {} for the guest itself), pid_max is {}: set pid_max = {} or more, or have fewer",
      measure.where, benchmark.name, depth, name_of(condition), ids, residents, others, ids - residents - others,
      pid_max, ids);
}

Result<void> check_memory(const Experiment& experiment, const Measure& measure, const Benchmark& benchmark, int depth,
                          const Condition& condition) {
  constexpr std::uint64_t kResidentKib = 96;  // 9,000 of them fit into this, and not into 78 KiB each
  const auto residents = static_cast<std::uint64_t>(residents_in(condition, depth));
  const std::uint64_t needed = kGuestMib + benchmark.memory_mib + residents * kResidentKib / 1024;
  if (needed <= static_cast<std::uint64_t>(experiment.memory_mib)) return {};
  if (residents == 0) {
    return user_error(
        "{}: '{}' needs {} MiB of guest memory ({} MiB, and {} MiB for the guest itself), the experiment gives {} MiB: "
        "set memory_mib = {} or more, or leave the benchmark out",
        measure.where, benchmark.name, needed, benchmark.memory_mib, kGuestMib, experiment.memory_mib, needed);
  }
  return user_error(
      "{}: '{}' at depth {} under the condition '{}' may need {} MiB of guest memory, as it has {} "
      "residents; the experiment gives {} MiB: set memory_mib = {} or more, or have fewer",
      measure.where, benchmark.name, depth, name_of(condition), needed, residents, experiment.memory_mib, needed);
}

Result<void> check_vcpus(const Experiment& experiment, const Measure& measure, const Benchmark& benchmark) {
  if (benchmark.needs_time() && experiment.meter != Meter::time) {
    return user_error("{}: '{}' needs meter = \"time\": {}", measure.where, benchmark.name, kOneVcpu);
  }
  if (benchmark.vcpus <= experiment.vcpus) return {};
  return user_error("{}: '{}' keeps {} vCPUs busy at once, the guest has {}: set vcpus = {} or more, or leave it out",
                    measure.where, benchmark.name, benchmark.vcpus, experiment.vcpus, benchmark.vcpus);
}

}  // namespace

std::vector<BootPlan> BootPlan::guests() const {
  if (!isolated) return {*this};
  std::vector<BootPlan> plans;
  for (const PlannedCell& cell : cells) {
    BootPlan plan = *this;
    plan.isolated = false;
    plan.cells = {cell};
    plan.cells.front().index = 0;
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::string BootPlan::to_json() const {
  Json json;
  json["protocol"] = 1;
  json["seed"] = seed;
  json["meter"] = name_of(meter);
  if (vcpus > 1) json["vcpus"] = vcpus;
  json["condition"] = {{"ids_next", condition.ids_next},
                       {"residents", condition.residents},
                       {"cgroup", condition.container ? "container" : "root"}};
  json["pid_max"] = pid_max;
  json["mmap_pages"] = mmap_pages;
  json["environment_bytes"] = environment_bytes;
  json["command"] = command;
  json["cells"] = Json::array();
  for (const PlannedCell& cell : cells) {
    json["cells"].push_back({{"index", cell.index},
                             {"benchmark", cell.benchmark},
                             {"depth", cell.depth},
                             {"iterations", cell.iterations},
                             {"warmup", cell.warmup},
                             {"history", cell.history},
                             {"tick_phase", cell.tick_phase},
                             {"slab_phase", cell.slab_phase},
                             {"limit_seconds", cell.limit_seconds}});
  }
  json["fault"] = fault;
  return to_text(json);
}

namespace {

/// The order of `count` treatments in each block of a randomised complete block design, so that each stands in each
/// place equally often once a square is whole: the rows of a Latin square, with its rows and its treatments shuffled by
/// the seed (Fisher and Yates; Montgomery, Design and Analysis of Experiments, section 4.2). Of an even count each
/// treatment follows each other one once in a square, and of an odd one twice in two (Williams, Australian Journal of
/// Scientific Research A 2, 1949), so that what a boot leaves on the host is spread. Block `block` counts from 0;
/// behind the square's last row comes another square.
std::vector<std::size_t> order_in_block(std::size_t count, std::uint64_t block, std::uint64_t seed) {
  const auto shuffled = [&](const std::string& purpose) {
    std::vector<std::size_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    SeededNumbers shuffle(seed, purpose);
    for (std::size_t i = count; i > 1; --i) std::swap(numbers[i - 1], numbers[shuffle.below(i)]);
    return numbers;
  };
  const std::uint64_t square = block / count;
  const bool is_odd = count % 2 == 1;  // two squares then belong together, and the second one is mirrored
  const auto rows = shuffled(fmt::format("square {} rows", square));
  const auto treatments = shuffled(fmt::format("square {} treatments", is_odd ? square / 2 : square));
  std::vector<std::size_t> order;
  for (std::size_t place = 0; place < count; ++place) {
    // 0, n − 1, 1, n − 2, …: of an even count each difference of neighbours occurs once.
    std::size_t zigzag = place % 2 == 0 ? place / 2 : count - 1 - place / 2;
    if (is_odd && square % 2 == 1) zigzag = (count - zigzag) % count;
    order.push_back(treatments[(zigzag + rows[block % count]) % count]);
  }
  return order;
}

}  // namespace

Result<BootPlan> plan_from_json(const std::string& text) {
  const auto json = parse_json(text);
  BootPlan plan;
  try {
    if (!json) return user_error("a boot's plan is damaged");
    json->at("seed").get_to(plan.seed);
    const auto meter = meter_from(json->at("meter").get<std::string>());
    if (!meter) return user_error("a boot's plan is damaged: its meter is unknown");
    plan.meter = *meter;
    plan.vcpus = json->value("vcpus", 1);
    const Json& condition = json->at("condition");
    condition.at("ids_next").get_to(plan.condition.ids_next);
    condition.at("residents").get_to(plan.condition.residents);
    plan.condition.container = condition.at("cgroup") == "container";
    json->at("pid_max").get_to(plan.pid_max);
    json->at("mmap_pages").get_to(plan.mmap_pages);
    json->at("environment_bytes").get_to(plan.environment_bytes);
    json->at("command").get_to(plan.command);
    json->at("fault").get_to(plan.fault);
    for (const Json& planned : json->at("cells")) {
      PlannedCell& cell = plan.cells.emplace_back();
      planned.at("index").get_to(cell.index);
      planned.at("benchmark").get_to(cell.benchmark);
      planned.at("depth").get_to(cell.depth);
      planned.at("iterations").get_to(cell.iterations);
      planned.at("warmup").get_to(cell.warmup);
      planned.at("history").get_to(cell.history);
      planned.at("tick_phase").get_to(cell.tick_phase);
      planned.at("slab_phase").get_to(cell.slab_phase);
      planned.at("limit_seconds").get_to(cell.limit_seconds);
    }
  } catch (const Json::exception& error) {
    return user_error("a boot's plan is damaged: {}", error.what());
  }
  // What was left out, or cut to a smaller type, shows here.
  if (plan.to_json() != text) return user_error("a boot's plan is damaged");
  return plan;
}

Result<std::vector<BootPlan>> make_plan(const Experiment& experiment, const std::vector<Benchmark>& known) {
  std::set<Cell> all;
  std::map<std::pair<std::string, Condition>, std::set<Cell>> of_kernel;
  std::map<std::string, std::uint64_t> repetitions;  // by benchmark
  for (const Measure& measure : experiment.measures) {
    for (const std::string& name : measure.benchmarks) {
      const auto named = find_benchmark(known, name);
      if (!named) return user_error("{}: {}", measure.where, named.error().message);
      const Benchmark* const found = *named;
      TRY(check_vcpus(experiment, measure, *found));
      const std::uint64_t wanted = measure.repetitions == 0 ? found->iterations : measure.repetitions;
      if (const std::uint64_t before = repetitions.emplace(name, wanted).first->second; before != wanted) {
        return user_error(
            "{}: '{}' has {} repetitions here and {} in a [[measure]] before: one number is needed, so that all its "
            "cells can be compared",
            measure.where, name, wanted, before);
      }
      for (const int depth : measure.depths) {
        all.insert({name, depth});
        for (const Condition& condition : measure.conditions) {
          TRY(check_ids(experiment, measure, *found, depth, condition));
          TRY(check_memory(experiment, measure, *found, depth, condition));
        }
        for (const std::string& kernel : measure.kernels) {
          for (const Condition& condition : measure.conditions) of_kernel[{kernel, condition}].insert({name, depth});
        }
      }
    }
  }

  std::vector<BootPlan> boots;
  for (std::uint64_t seed = experiment.first_seed; seed < experiment.first_seed + experiment.boots; ++seed) {
    std::vector<Cell> order(all.begin(), all.end());
    SeededNumbers shuffle(seed, "order");
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[shuffle.below(i)]);
    SeededNumbers layout(seed, "layout");
    const auto mmap_pages = static_cast<int>(layout.below(kMmapPages));
    const auto environment_bytes = static_cast<int>(layout.below(kEnvironmentBytes));

    // Under a meter that drifts with the host, each seed is a block. Otherwise the order makes no difference.
    const auto treatments = kernels_under_conditions(experiment);
    std::vector<std::size_t> places(treatments.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    if (properties_of(experiment.meter).depends_on_host)
      places = order_in_block(treatments.size(), seed - experiment.first_seed, experiment.first_seed);
    for (const std::size_t place : places) {
      const auto& [kernel, condition] = treatments[place];
      BootPlan boot;
      boot.isolated = experiment.isolated;
      boot.kernel = kernel;
      boot.seed = seed;
      boot.meter = experiment.meter;
      boot.vcpus = experiment.vcpus;
      boot.condition = condition;
      boot.pid_max = experiment.pid_max_of(condition);
      boot.mmap_pages = mmap_pages;
      boot.environment_bytes = environment_bytes;
      for (const Cell& cell : order) {
        if (!of_kernel.at({kernel, condition}).contains(cell)) continue;
        const Benchmark& benchmark = *TRY(find_benchmark(known, cell.benchmark));
        SeededNumbers numbers(seed, cell.benchmark);
        PlannedCell planned;
        planned.index = static_cast<int>(boot.cells.size());
        planned.benchmark = cell.benchmark;
        planned.depth = cell.depth;
        planned.iterations = repetitions.at(cell.benchmark);
        planned.warmup = benchmark.warmup;
        planned.history = static_cast<int>(numbers.below(kHistory));
        planned.tick_phase = numbers.below(kTickPhase);
        planned.slab_phase = slab_phase(seed, cell.benchmark);
        planned.limit_seconds = experiment.limit_seconds;
        boot.cells.push_back(planned);
      }
      boots.push_back(std::move(boot));
    }
  }
  return boots;
}

std::set<GuestFile> files_needed(const std::vector<BootPlan>& boots, const std::vector<Benchmark>& known) {
  std::set<std::string> measured;
  for (const BootPlan& boot : boots) {
    for (const PlannedCell& cell : boot.cells) measured.insert(cell.benchmark);
  }
  std::set<GuestFile> files;
  for (const Benchmark& benchmark : known) {
    if (measured.contains(benchmark.name)) files.insert(benchmark.files.begin(), benchmark.files.end());
  }
  return files;
}

}  // namespace nslab
