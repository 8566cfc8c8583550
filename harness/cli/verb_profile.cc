// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "benchmarks.h"
#include "files.h"
#include "image.h"
#include "kernel_build.h"
#include "output.h"
#include "scratch_folder.h"
#include "shell.h"
#include "text.h"
#include "verb.h"

namespace nslab::verb_profile {
namespace fs = std::filesystem;

namespace {

// Guest nanoseconds between two samples, which under icount are instructions. A prime, so that no loop of the
// benchmark's own keeps step with it. A sample costs some 5,000 instructions.
constexpr int kPeriod = 100'003;
constexpr int kSampledRepetitions = 10;  // as many times the benchmark's own repetitions

// Whose samples are left out: no instructions, and what the guest's shell-init disturbs the worker with.
constexpr const char* kNotSampled = "^(swapper|disturber)";

constexpr std::string_view kReportMark = "== report\n";
constexpr std::string_view kStacksMark = "== stacks\n";

struct ProfileArguments {
  std::string kernel;
  std::string benchmark;
  std::string profile = "lean";
  std::string output;
  int depth = 0;
  int repetitions = 0;
};

void declare_arguments(Arguments& arguments, ProfileArguments& values) {
  arguments.positional("KERNEL", values.kernel, "a model, or a kernel that is given (docs/your-kernel.md)", "KERNEL");
  arguments.positional("BENCHMARK", values.benchmark, "from 'nslab bench list'");
  arguments.option("--depth", values.depth, 0, 32, "pid namespaces below the initial one (default: 0)");
  arguments.option("--repetitions", values.repetitions, 1, 1'000'000,
                   "of the operation (default: ten times the benchmark's own)");
  arguments.option("--profile", values.profile, "the kernel's profile", "PROFILE");
  arguments.option("--output", values.output, "folder for perf's report and the folded stacks", "FOLDER");
}

/// What runs in the guest: perf around the worker, then perf's own report, then the stacks, folded. All of the CPU is
/// sampled, as a task's own samples begin anew in each child, and one that lives for less than a period would have
/// none.
std::string script() {
  return fmt::format(R"(perf record -q -a -o /tmp/perf.data -e cpu-clock -c {1} -g -- micro >/tmp/said 2>&1 ||
  {{ cat /tmp/said; exit 9; }}
comms=$(perf script -i /tmp/perf.data -F comm 2>/dev/null | awk '
  $1 != "" && $1 !~ /{0}/ && !seen[$1]++ {{ list = list (list == "" ? "" : ",") $1 }}
  END {{ print list }}')
echo '{2}'
perf report --stdio --stdio-color=never --no-children -g none --percent-limit 0.1 --comms "$comms" --percentage relative \
  -F overhead,sample,comm,sym -i /tmp/perf.data 2>/dev/null | sed '/^# (Cannot load tips/,$d; s/ *$//; s/\.\{{60,\}}/............/'
echo '{3}'
perf script -i /tmp/perf.data -F comm,ip,sym 2>/dev/null | awk '
  /^[^ \t]/ {{ comm = $1; next }}
  NF > 1 {{ stack = $2 (stack == "" ? "" : ";" stack); next }}
  stack != "" {{ if (comm !~ /{0}/) count[comm ";" stack]++; stack = "" }}
  END {{ for (stack in count) print stack, count[stack] }}' | sort
)",
                     kNotSampled, kPeriod, kReportMark.substr(0, kReportMark.size() - 1),
                     kStacksMark.substr(0, kStacksMark.size() - 1));
}

/// The worker's request, as the guest's init makes it (benches/guest/init.cc).
std::string request_for(const ProfileArguments& arguments, const Benchmark& benchmark, std::uint64_t repetitions) {
  return to_text(Json{{"benchmark", benchmark.name},
                      {"meter", "instructions"},
                      {"depth", arguments.depth},
                      {"iterations", repetitions},
                      {"warmup", benchmark.warmup},
                      {"tick_phase", 0},
                      {"history", 0},
                      {"condition", {{"residents", 0}, {"first_resident", 0}, {"container", false}}}});
}

std::uint64_t samples_in(const std::string& stacks) {
  std::uint64_t samples = 0;
  for (const std::string& line : lines_of(stacks)) samples += std::stoull("0" + line.substr(line.rfind(' ') + 1));
  return samples;
}

Result<void> act(const ProfileArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto benchmarks = TRY(list_benchmarks(paths.guest / "micro"));
  const Benchmark& benchmark = *TRY(find_benchmark(benchmarks, arguments.benchmark));
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  const KernelBuilder builder(paths);
  const auto spec =
      TRY(builder.spec(table, TRY(table.base(kDefaultBase)), TRY(table.profile(arguments.profile)), arguments.kernel));
  const Kernel kernel = TRY(builder.build(spec));
  std::set<GuestFile> wanted = {{"/bin/sh", "dash"},           {"/usr/bin/perf", "linux-perf"},
                                {"/usr/bin/awk", "mawk"},      {"/usr/bin/sort", "coreutils"},
                                {"/usr/bin/cat", "coreutils"}, {"/usr/bin/sed", "sed"}};
  wanted.insert(benchmark.files.begin(), benchmark.files.end());
  const Image image = TRY(make_shell_image(paths, TRY(locate_files(paths, wanted))));
  const ScratchFolder folder = TRY(ScratchFolder::make(paths.cache / "tmp", "profile"));
  const fs::path printed = folder.path() / "printed";
  const Fd output(::open(printed.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!output.valid()) return machine_error("cannot write {}: {}", printed.string(), errno_text());
  const std::uint64_t repetitions = arguments.repetitions > 0 ? static_cast<std::uint64_t>(arguments.repetitions)
                                                              : kSampledRepetitions * benchmark.iterations;
  print_err("{} ({}): {} repetitions of {} at depth {}, sampled\n", arguments.kernel, spec.profile.name, repetitions,
            benchmark.name, arguments.depth);
  const auto status = TRY(run_shell({.kernel = arguments.kernel,
                                     .vmlinux = kernel.vmlinux(),
                                     .initramfs = image.file,
                                     .accelerator = Accelerator::icount,
                                     .memory_mib = static_cast<int>(1024 + benchmark.memory_mib),
                                     .depth = arguments.depth,
                                     .command = {"/bin/sh", "-c", script()},
                                     .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TERM=dumb"},
                                     .request = request_for(arguments, benchmark, repetitions),
                                     .output = output.get()},
                                    folder.path()));
  const std::string text = TRY(read_file(printed));
  const auto report_at = text.find(kReportMark);
  const auto stacks_at = text.find(kStacksMark);
  if (status != 0 || report_at == std::string::npos || stacks_at == std::string::npos) {
    return negative_result("{}: perf did not come to its end in the guest:\n{}", arguments.kernel,
                           without_controls(text));
  }
  const std::string report = text.substr(report_at + kReportMark.size(), stacks_at - report_at - kReportMark.size());
  const std::string stacks = text.substr(stacks_at + kStacksMark.size());
  const std::uint64_t samples = samples_in(stacks);
  print_out(
      "{} repetitions of {} on {} ({}) at depth {}: {} samples, one for each {} instructions of the guest, by perf.\n"
      "A share of s per cent is known to ± {:.2f} √s points (95 %). It is sampled: 'nslab why' counts exactly. What "
      "runs\nwith interrupts off is seen where they are let in again.\n\n{}",
      repetitions, benchmark.name, arguments.kernel, spec.profile.name, arguments.depth, samples, kPeriod,
      1.96 * std::sqrt(100.0 / static_cast<double>(std::max<std::uint64_t>(samples, 1))), report);
  constexpr std::uint64_t kFew = 500;
  if (samples < kFew) {
    print_err(
        "nslab: these are few samples: give more --repetitions. A kernel without CONFIG_HIGH_RES_TIMERS, as of the "
        "profile mini, is sampled at its ticks alone\n");
  }
  if (arguments.output.empty()) return {};
  TRY(make_folders(arguments.output));
  TRY(write_file(fs::path(arguments.output) / "perf-report.txt", report));
  return write_file(fs::path(arguments.output) / "stacks.folded", stacks);
}

const RegisterVerb registered({
    .name = "profile",
    .help = "sample a benchmark with perf, in the guest: where does the kernel spend its instructions?",
    .examples =
        "  nslab profile multi fork_exit_wait --depth 8\n"
        "  nslab profile multi vfork_exit_wait --output /tmp/p    with folded stacks, for flamegraph.pl or speedscope",
    .declare = verb_body<ProfileArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_profile
