// SPDX-License-Identifier: GPL-2.0
//
// `make bench`: what the harness adds to QEMU's own time, how quick a boot is, and what it costs to count each function
// and to give each cell a guest of its own. What is compared takes turns, so that a busy machine disturbs both.
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>

#include "clock.h"
#include "frame.h"
#include "lab_support.h"
#include "stats.h"

namespace nslab::lab {
namespace {

constexpr int kRounds = 5;  // of boots of mini
constexpr int kRoundsOfCells = 3;

constexpr const char* kExperiment = R"(
name = "bench"
profile = "mini"
boots = 5
[[measure]]
kernels = ["multi", "flat+cache"]
depths = [0, 1]
benchmarks = ["getpid", "fork_exit_wait", "thread_create_join"]
)";

// The cells of two kernels of configs/smoke.toml, which has ten boots. Once a run, nslab reads each kernel's functions
// and takes differences apart: with one boot that would make a fifth of what counting adds.
constexpr const char* kSmoke = R"(
name = "bench"
profile = "lean"
boots = 3
[[measure]]
kernels = ["multi", "flat+cache"]
depths = [0, 1]
benchmarks = ["empty", "getpid", "gettid", "getppid", "fork_exit_wait", "vfork_exit_wait", "thread_create_join"]
)";
constexpr int kSmokeCells = 3 * 2 * 2 * 7;

// The cells of kSmoke if none of them measured anything. What is left is a guest's start and end.
constexpr const char* kNothing = R"(
name = "bench"
profile = "lean"
boots = 21
[[measure]]
kernels = ["multi", "flat+cache"]
depths = [0, 1]
benchmarks = ["empty"]
)";

/// What one bare boot took, in seconds of wall time from QEMU's start.
struct BareBoot {
  double first_sample = 0;
  double end = 0;
};

/// Whether the file holds a second whole frame: the first is `ready`, the second the first sample.
bool has_first_sample(const std::filesystem::path& file) {
  const auto bytes = read_file(file);
  if (!bytes) return false;
  std::size_t at = 0;
  for (int frames = 0; frames < 2; ++frames) {
    if (bytes->size() < at + frame::kHeaderBytes) return false;
    std::uint32_t length = 0;
    for (int i = 3; i >= 0; --i)
      length = length << 8 | static_cast<unsigned char>((*bytes)[at + 4 + static_cast<std::size_t>(i)]);
    at += frame::kHeaderBytes + length;
  }
  return bytes->size() >= at;
}

BareBoot boot_bare(const BootPlan& plan, const std::filesystem::path& initramfs) {
  const TempFolder work = folder();
  const BootFiles files{kernel(plan.kernel).vmlinux(), initramfs,
                        work.path() / "plan.json",     work.path() / "frames.bin",
                        work.path() / "console.log",   paths().plugins / "guard.so"};
  if (!write_file(files.plan, plan.to_json())) std::abort();
  BareBoot took;
  const double start = monotonic_seconds();
  Process qemu = must(Process::start(
      {.argv = boot_command(files, plan.seed, 512, Accelerator::icount), .output = work.path() / "qemu.log"}));
  std::optional<int> status;
  while (!status) {
    status = qemu.wait_for(took.first_sample == 0 ? 0.01 : 600);
    if (took.first_sample == 0 && has_first_sample(files.frames)) took.first_sample = monotonic_seconds() - start;
  }
  took.end = monotonic_seconds() - start;
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != kCompleteStatus) {
    fmt::print(stderr, "a bare boot failed: {}\n", describe_status(*status));
    std::abort();
  }
  return took;
}

/// Runs `experiment` with these lines at its head, and returns the CPU seconds that nslab and its QEMUs took.
double cpu_seconds_of(const std::string& head, const char* experiment) {
  const TempFolder work = folder();
  const std::filesystem::path config = work.path() / "bench.toml";
  if (!write_file(config, head + experiment)) std::abort();
  const auto so_far = [] {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  const double before = so_far();
  const Captured ended = nslab(
      {"run", config.string(), "--force-profile", "--jobs", "1", "--results", (work.path() / "results").string()});
  if (WEXITSTATUS(ended.status) != 0) {
    fmt::print(stderr, "{}", ended.output);
    std::abort();
  }
  return so_far() - before;
}

void print(const char* what, const std::vector<double>& values, const char* unit) {
  const Estimate mean = estimate(values, 0.95);
  fmt::print("{:<44} {:.3f} [{:.3f}, {:.3f}] {} (95 % interval, n = {})\n", what, mean.value, mean.interval->low,
             mean.interval->high, unit, mean.n);
}

/// What isolation and attribution cost, on the kernels and in the cells of smoke. All in CPU time.
void measure_cells() {
  const std::string isolated = "isolation = \"boot\"\n";
  const std::string counted = isolated + "attribution = true\n";
  cpu_seconds_of("", kSmoke);  // the kernels are built, and the ready guests are saved
  std::vector<double> nothing;
  std::vector<double> counting;
  std::vector<double> apart;
  std::vector<double> both;
  for (int round = 0; round < kRoundsOfCells; ++round) {
    nothing.push_back(cpu_seconds_of(isolated, kNothing) / kSmokeCells);
    const double shared = cpu_seconds_of("", kSmoke);
    const double plain = cpu_seconds_of(isolated, kSmoke);
    const double whole = cpu_seconds_of(counted, kSmoke);
    counting.push_back(whole / plain);
    apart.push_back(plain / shared);
    both.push_back(whole / shared);
  }
  fmt::print("{} cells of smoke, {} rounds, one guest at a time, CPU time\n", kSmokeCells, kRoundsOfCells);
  print("a cell that measures nothing, start to end", nothing, "s");
  print("counted over not counted, isolated", counting, "ratio");
  print("isolated over sharing a guest", apart, "ratio");
  print("isolated and counted over neither", both, "ratio");
}

int measure_harness() {
  const Experiment experiment = must(parse_experiment(kExperiment, "bench"));
  const auto plans = must(make_plan(experiment, must(list_benchmarks(paths().guest / "micro"))));
  const std::filesystem::path initramfs = must(make_image(paths())).file;
  for (const std::string& model : experiment.kernels()) kernel(model);

  std::vector<double> ratios;
  std::vector<double> to_sample;
  std::vector<double> to_end;
  for (int round = 0; round < kRounds; ++round) {
    const TempFolder work = folder();
    const std::filesystem::path config = work.path() / "bench.toml";
    if (!write_file(config, kExperiment)) std::abort();
    const double start = monotonic_seconds();
    const Captured ended = nslab(
        {"run", config.string(), "--force-profile", "--jobs", "1", "--results", (work.path() / "results").string()});
    const double harness = monotonic_seconds() - start;
    if (WEXITSTATUS(ended.status) != 0) {
      fmt::print(stderr, "{}", ended.output);
      return 1;
    }
    double bare = 0;
    for (const BootPlan& plan : plans) {
      const BareBoot took = boot_bare(plan, initramfs);
      bare += took.end;
      to_sample.push_back(took.first_sample);
      to_end.push_back(took.end);
    }
    ratios.push_back(harness / bare);
  }
  fmt::print("{} boots of profile mini, {} rounds, one boot at a time, wall time\n", plans.size(), kRounds);
  print("nslab run over bare QEMU", ratios, "ratio");
  print("QEMU's start to the first sample", to_sample, "s");
  print("QEMU's start to its end", to_end, "s");
  std::fflush(stdout);
  return 0;
}

}  // namespace
}  // namespace nslab::lab

/// Both parts, or the one that is named.
int main(int argc, char** argv) {
  const std::string_view part = argc > 1 ? argv[1] : "";
  int status = 0;
  if (part != "cells") status = nslab::lab::measure_harness();
  if (status == 0 && part != "harness") nslab::lab::measure_cells();
  return status;
}
