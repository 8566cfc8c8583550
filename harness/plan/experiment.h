// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "condition.h"
#include "meter.h"
#include "result.h"
#include "sample.h"

namespace nslab {

constexpr int kMostVcpus = 64;
constexpr int kMostRepetitions = 1'000'000;  ///< of a cell: the guest keeps eight bytes of each

/// One [[measure]] table: every kernel at every depth with every benchmark, under every condition.
struct Measure {
  std::vector<std::string> kernels;  ///< models, or kernels that are given (given_kernel.h)
  std::vector<int> depths;           ///< 0 to 32
  std::vector<std::string> benchmarks;
  std::vector<Condition> conditions = {kQuiet};
  std::uint64_t repetitions = 0;  ///< of each cell; 0: as many as the benchmark makes by itself
  std::string where;              ///< "configs/smoke.toml:12", for errors found later
};

/// An experiment: the TOML file, checked. docs/experiments.md describes each key with its default.
struct Experiment {
  std::string name;
  Meter meter = Meter::instructions;
  std::string base = "linux-6.12";
  std::string profile = "lean";
  std::uint64_t boots = 10;  ///< per kernel; boot i has seed first_seed + i
  std::uint64_t first_seed = 1;
  int builds = 1;   ///< of each kernel, with other layouts of the code
  int pid_max = 0;  ///< 0: as the condition has it (pid_max_of())
  int memory_mib = 512;
  int vcpus = 1;                 ///< of the guest; more need the time meter
  int limit_seconds = 30;        ///< guest seconds a cell may take
  int wall_limit_seconds = 600;  ///< host seconds a boot may take
  std::string reference;         ///< the kernel that differences are given against; empty: none, or the first
  std::string statistic = "mean";
  double margin_percent = 1.0;
  bool attribution = false;      ///< count the instructions of each function as well
  bool memory_accesses = false;  ///< count the loads and stores of each function, too; needs attribution
  bool isolated = false;         ///< each cell of a boot has a guest of its own
  std::vector<Measure> measures;

  std::string text;           ///< the file as it was read, for the manifest
  std::string base_where;     ///< "configs/smoke.toml:5", for errors found later
  std::string profile_where;  ///< likewise

  /// The kernels in the order in which the file names them first.
  std::vector<std::string> kernels() const;
  /// The conditions in the order in which the file names them first.
  std::vector<Condition> conditions() const;
  /// kernel.pid_max under that condition.
  int pid_max_of(const Condition& condition) const;
  /// Where the [[measure]] table begins that names this kernel first, as Measure::where.
  std::string where_named(const std::string& kernel) const;
};

/// What is booted with each seed, in this order: each condition with the kernels that are measured under it.
std::vector<std::pair<std::string, Condition>> kernels_under_conditions(const Experiment& experiment);

/// Parses and checks. Unknown keys, wrong types and impossible values are Exit::user with file and line.
Result<Experiment> parse_experiment(std::string_view text, const std::string& file_name);
/// With `kernels`, these take the place of those that each [[measure]] table names, and their first that of a reference
/// that is not among them.
Result<Experiment> load_experiment(const std::filesystem::path& file, const std::vector<std::string>& kernels = {});
/// The experiment whose text a stored run's manifest has. Exit::user when there is none, or none that can be parsed.
Result<Experiment> experiment_of(const RunRecord& run);

}  // namespace nslab
