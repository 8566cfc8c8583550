// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "meter.h"
#include "result.h"

namespace nslab {

/// A file that a benchmark needs in the guest. An absolute path is the same on this host, where Debian's `package` has
/// it; any other is one of this project's own, built beside the guest's programs, and has no package.
struct GuestFile {
  std::string path;
  std::string package;
  auto operator<=>(const GuestFile&) const = default;
};

/// Where a benchmark stands that is one of several which differ in the size of one thing.
struct CurvePoint {
  std::string series;    ///< the operation, as "fork"
  std::string quantity;  ///< what there is so much of, as "processes"
  std::uint64_t value = 0;
  bool operator==(const CurvePoint&) const = default;
};

/// A benchmark as the guest program describes it: the one place where it is defined.
struct Benchmark {
  std::string name;
  std::string family;
  std::string description;  ///< one line: what it exercises in the kernel
  std::uint64_t iterations = 0;
  std::uint64_t warmup = 0;
  std::uint64_t memory_mib = 0;          ///< of the guest's, beyond what any benchmark needs
  std::optional<CurvePoint> point = {};  ///< empty: of no curve
  std::vector<GuestFile> files = {};     ///< besides the benchmark program: real programs, scripts
  int vcpus = 0;                         ///< that it keeps busy at once; 0: one, and any meter will do

  /// Whether only the time meter can measure it.
  bool needs_time() const { return vcpus > 0; }
};

/// The program, among the guest's, that has a meter's benchmarks: "micro" or "micro-time".
const char* worker_of(Meter meter);

/// Asks the benchmark program itself (`micro --list`), sorted by name.
Result<std::vector<Benchmark>> list_benchmarks(const std::filesystem::path& program);

/// All that an experiment may name under this meter, from the folder of the guest's programs. Under the instructions
/// meter also those that need the time meter, so that make_plan() can say why it refuses them.
Result<std::vector<Benchmark>> list_benchmarks(const std::filesystem::path& guest, Meter meter);

/// The benchmark of that name. Exit::user, with what was most likely meant, when there is none.
Result<const Benchmark*> find_benchmark(const std::vector<Benchmark>& known, const std::string& name);

/// The points of curves among the benchmarks, as a run's manifest keeps them ("curves"): a report must not depend on
/// what the benchmark program of its day knows.
Json curves_of(const std::vector<Benchmark>& benchmarks);
/// The reverse: by benchmark, the points in a manifest; none in one without curves.
std::map<std::string, CurvePoint> curves_in(std::string_view manifest);

}  // namespace nslab
