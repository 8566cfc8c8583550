// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "benchmarks.h"
#include "files.h"
#include "image.h"
#include "kernel_build.h"
#include "kvm_probe.h"
#include "numbers.h"
#include "output.h"
#include "perf.h"
#include "processes.h"
#include "sampled_profile.h"
#include "scratch_folder.h"
#include "shell.h"
#include "terminal.h"
#include "text.h"
#include "verb.h"

namespace nslab::verb_profile {
namespace fs = std::filesystem;

namespace {

constexpr int kSampledRepetitions = 10;  // as many times the benchmark's own repetitions

struct ProfileArguments {
  std::string kernel;
  std::string benchmark;
  std::string diff;
  std::string profile = "lean";
  std::string accelerator = "tcg";
  std::string output;
  int depth = 0;
  int repetitions = 0;
  int vcpus = 0;
  bool stat = false;
  bool trace = false;
  bool locks = false;
  bool exits = false;
};

void declare_arguments(Arguments& arguments, ProfileArguments& values) {
  arguments.positional("KERNEL", values.kernel, "a model, or a kernel that is given (docs/your-kernel.md)", "KERNEL");
  arguments.positional("BENCHMARK", values.benchmark, "from 'nslab bench list'");
  arguments.option("--depth", values.depth, 0, 32, "pid namespaces below the initial one (default: 0)");
  arguments.option("--diff", values.diff, "sample this kernel (B) as well, and compare: differences are B - A",
                   "KERNEL");
  arguments.flag("--stat", values.stat, "count with perf stat, in place of sampling");
  arguments.flag("--trace", values.trace, "the system calls, with perf trace -s");
  arguments.flag("--locks", values.locks, "who waits for which lock, with perf lock contention");
  arguments.flag("--exits", values.exits, "KVM's exits from the guest by their reasons; needs --accel kvm");
  arguments.choice("--accel", values.accelerator, {"kvm", "tcg"}, "the accelerator");
  arguments.option("--repetitions", values.repetitions, 1, 1'000'000,
                   "of the operation (default: the benchmark's own; ten times as many where it is sampled)");
  arguments.option("--vcpus", values.vcpus, 1, 64, "virtual CPUs (default: 1; of --locks 2)");
  arguments.option("--profile", values.profile, "the kernels' profile", "PROFILE");
  arguments.option("--output", values.output, "folder for what perf says, and of samples the stacks and a flame graph",
                   "FOLDER");
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

/// What is to be done, from the arguments. Exit::user for two things at once, and for what does not go together.
Result<PerfWork> work_of(const ProfileArguments& arguments) {
  const std::pair<const char*, bool> ways[] = {{"--diff", !arguments.diff.empty()},
                                               {"--stat", arguments.stat},
                                               {"--trace", arguments.trace},
                                               {"--locks", arguments.locks},
                                               {"--exits", arguments.exits}};
  std::string chosen;
  for (const auto& [name, is_chosen] : ways) {
    if (!is_chosen) continue;
    if (!chosen.empty()) return user_error("{} and {} exclude each other: give one of them", chosen, name);
    chosen = name;
  }
  if (arguments.exits && arguments.accelerator != "kvm") {
    return user_error("--exits counts how often KVM leaves the guest, and TCG has no such exits: give --accel kvm");
  }
  const bool counts = arguments.accelerator == "tcg" && !arguments.locks;
  if (counts && arguments.vcpus > 1) {
    return user_error(
        "--vcpus {}: under TCG a guest that counts its instructions has one CPU. --locks and --accel kvm "
        "take more",
        arguments.vcpus);
  }
  return arguments.stat    ? PerfWork::stat
         : arguments.trace ? PerfWork::trace
         : arguments.locks ? PerfWork::locks
         : arguments.exits ? PerfWork::none
                           : PerfWork::sample;
}

Result<Accelerator> accelerator_of(const ProfileArguments& arguments) {
  if (arguments.accelerator == "tcg") return arguments.locks ? Accelerator::tcg : Accelerator::icount;
  const KvmProbe probe = TRY(probe_kvm());
  if (!probe.is_real()) return machine_error("--accel kvm: {}", probe.explanation);
  if (arguments.exits) TRY(check_exits());
  return Accelerator::kvm;
}

/// Says it before the long work, and not behind it.
Result<void> check_output(const fs::path& folder) {
  if (folder.empty()) return {};
  TRY(make_folders(folder));
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return machine_error("cannot write into {}: {}", folder.string(), errno_text());
  return {};
}

/// All that guests have in common.
struct Setting {
  const ProfileArguments& arguments;
  const Paths& paths;
  const Benchmark& benchmark;
  PerfWork work;
  Accelerator accelerator;
  std::uint64_t repetitions;
  Image image;
};

struct GuestKernel {
  std::string shown;  ///< "multi (lean)"
  Kernel kernel;
};

/// Their names are looked up before the first is built. One or two of them.
Result<std::vector<GuestKernel>> kernels_of(const ProfileArguments& arguments, const Paths& paths) {
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  const KernelBuilder builder(paths);
  std::vector<KernelSpec> specs;
  for (const std::string& name : {arguments.kernel, arguments.diff}) {
    if (name.empty()) continue;
    specs.push_back(
        TRY(builder.spec(table, TRY(table.base(kDefaultBase)), TRY(table.profile(arguments.profile)), name)));
  }
  std::vector<GuestKernel> kernels;
  for (const KernelSpec& spec : specs) {
    const bool has_profile = !spec.given || spec.given->has_profile();
    const std::string& name = spec.model.name;
    Kernel kernel = TRY(builder.build(spec));
    kernels.push_back({has_profile ? fmt::format("{} ({})", name, spec.profile.name) : name, std::move(kernel)});
  }
  return kernels;
}

/// 'perf kvm stat' beside the guest, from the moment when the benchmark is about to start.
class ExitsCounter {
 public:
  explicit ExitsCounter(const fs::path& folder) : data_(folder / "exits.data"), log_(folder / "exits.log") {}

  Result<void> start(int qemu_pid) {
    perf_ = TRY(Process::start({.argv = exits_record_command(qemu_pid, data_), .output = log_}));
    return {};
  }
  /// Once QEMU has ended: perf then ends as well.
  Result<std::string> report() {
    if (!perf_) return negative_result("the guest ended before its exits could be counted");
    if (!perf_->wait_for(10)) perf_->kill(SIGINT);
    const auto status = perf_->wait_for(10);
    const auto printed = TRY(run_captured({.argv = exits_report_command(data_)}));
    if (status && *status == 0 && printed.status == 0) return printed.output;
    return machine_error("perf kvm stat failed: {}",
                         without_last_newlines(without_controls(read_file(log_).value_or("") + printed.output)));
  }

 private:
  fs::path data_;
  fs::path log_;
  std::optional<Process> perf_;
};

using Answer = std::map<std::string, std::string>;

/// Boots, and has perf do its work. `folder` gets what QEMU reads and writes and, of samples that are to be compared,
/// the file "fetched".
Result<Answer> in_guest(const Setting& setting, const GuestKernel& kernel, const fs::path& folder) {
  const ProfileArguments& arguments = setting.arguments;
  TRY(make_folders(folder));
  const fs::path printed = folder / "printed";
  const Fd output(::open(printed.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!output.valid()) return machine_error("cannot write {}: {}", printed.string(), errno_text());
  print_err("{}: {} repetitions of {} at depth {}, {}\n", kernel.shown, setting.repetitions, setting.benchmark.name,
            arguments.depth, describe(setting.accelerator).name);
  ExitsCounter exits(folder);
  ShellSettings settings{.kernel = kernel.shown,
                         .vmlinux = kernel.kernel.vmlinux(),
                         .initramfs = setting.image.file,
                         .plugins = setting.paths.plugins,
                         .accelerator = setting.accelerator,
                         .memory_mib = static_cast<int>(1024 + setting.benchmark.memory_mib),
                         .vcpus = arguments.vcpus > 0 ? arguments.vcpus : (arguments.locks ? 2 : 1),
                         .depth = arguments.depth,
                         .command = {"/bin/sh", "-c", perf_script(setting.work, setting.accelerator)},
                         .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TERM=dumb"},
                         .request = request_for(arguments, setting.benchmark, setting.repetitions),
                         .disturbed = setting.work == PerfWork::sample,
                         .output = output.get()};
  if (!arguments.diff.empty()) settings.fetched = kPerfData;
  if (arguments.exits) settings.at_start = [&exits](int qemu_pid) { return exits.start(qemu_pid); };
  const auto status = TRY(run_shell(settings, folder));
  Answer answer = TRY(guest_answer(kernel.shown, setting.work, status.value_or(-1), TRY(read_file(printed))));
  if (arguments.exits) answer["report"] = TRY(exits.report());
  return answer;
}

Result<SampledProfile> profile_of(const Setting& setting, const std::string& kernel, const Answer& answer) {
  const PerfEvent event = TRY(perf_event(answer.at("event"), setting.accelerator));
  SampledProfile profile{.kernel = kernel,
                         .benchmark = setting.benchmark.name,
                         .depth = setting.arguments.depth,
                         .repetitions = setting.repetitions + setting.benchmark.warmup,  // both are sampled
                         .event = event.name,
                         .quantity = event.quantity,
                         .period = event.period,
                         .stacks = TRY(parse_folded_stacks(answer.at("stacks")))};
  constexpr std::uint64_t kFew = 500;
  if (profile.samples() < kFew) {
    print_err(
        "nslab: {}: {} are few: give more --repetitions. A kernel without CONFIG_HIGH_RES_TIMERS is sampled at its "
        "ticks alone\n",
        kernel, counted(profile.samples(), "sample"));
  }
  return profile;
}

Result<void> write_files(const fs::path& folder, const std::map<std::string, std::string>& files) {
  if (folder.empty()) return {};
  for (const auto& [name, content] : files) TRY(write_file(folder / name, content));
  return {};
}

Result<void> sample(const Setting& setting, const GuestKernel& kernel, const fs::path& folder) {
  const Answer answer = TRY(in_guest(setting, kernel, folder));
  const SampledProfile profile = TRY(profile_of(setting, kernel.shown, answer));
  const std::uint64_t samples = profile.samples();
  print_out(
      "{} repetitions of {} on {} at depth {}: {} samples, one for each {} {} of the guest, by perf (event {}).\n"
      "A share of s per cent is known to ± {:.2f} √s points (95 %). It is sampled: 'nslab why' counts exactly. What "
      "runs\nwith interrupts off is seen where they are let in again.\n\n{}",
      setting.repetitions, setting.benchmark.name, kernel.shown, profile.depth, samples, profile.period,
      profile.quantity, profile.event,
      1.96 * std::sqrt(100.0 / static_cast<double>(std::max<std::uint64_t>(samples, 1))), answer.at("report"));
  return write_files(setting.arguments.output, {{"perf-report.txt", answer.at("report")},
                                                {"stacks.folded", answer.at("stacks")},
                                                {"flame.svg", sampled_flame_graph(profile)}});
}

/// The programs of the guest that are likely to be sampled.
Result<std::vector<fs::path>> sampled_programs(const Paths& paths) {
  std::vector<fs::path> programs = {paths.guest / "micro"};
  for (const auto& [in_guest, here] : TRY(libraries_of(programs.front()))) programs.push_back(here);
  return programs;
}

Result<void> compare(const Setting& setting, const GuestKernel& a, const GuestKernel& b, const fs::path& folder) {
  constexpr std::size_t kLines = 45;
  const Answer answer_a = TRY(in_guest(setting, a, folder / "a"));
  const Answer answer_b = TRY(in_guest(setting, b, folder / "b"));
  const SampledProfile profile_a = TRY(profile_of(setting, a.shown, answer_a));
  const SampledProfile profile_b = TRY(profile_of(setting, b.shown, answer_b));
  const auto data = [&](const GuestKernel& kernel, const Answer& answer, const char* name) {
    return PerfData{folder / name / "fetched", kernel.kernel.folder / "System.map",
                    without_last_newlines(answer.at("comms"))};
  };
  const std::string diff =
      TRY(perf_diff(data(a, answer_a, "a"), data(b, answer_b, "b"), TRY(sampled_programs(setting.paths)), folder));
  const auto lines = lines_of(diff);
  print_out(
      "perf diff: shares of A's samples, and how many points more B has\n\n{}\n",
      fmt::join(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(kLines, lines.size())), "\n"));
  if (lines.size() > kLines) print_out("… and {} more lines, which --output keeps\n", lines.size() - kLines);
  print_out("\n{}", render_text(sampled_difference_document(profile_a, profile_b), terminal_columns()));
  return write_files(setting.arguments.output,
                     {{"perf-diff.txt", diff},
                      {"difference.txt", render_text(sampled_difference_document(profile_a, profile_b, true), 0)},
                      {"flame.svg", sampled_flame_graph(profile_a, profile_b)},
                      {"a.perf-report.txt", answer_a.at("report")},
                      {"b.perf-report.txt", answer_b.at("report")},
                      {"a.folded", answer_a.at("stacks")},
                      {"b.folded", answer_b.at("stacks")}});
}

/// What a reader must know of the figures that perf prints.
std::string caution_for(const Setting& setting) {
  const bool is_counted = setting.accelerator == Accelerator::icount;
  const char* const times =
      is_counted ? "Times are the guest's, where each instruction takes one nanosecond." : "Times are the guest's.";
  switch (setting.work) {
    case PerfWork::stat:
      return fmt::format(
          "All of the benchmark's program is counted, its preparation as well. Of children, perf's task-clock misses a "
          "part. {}",
          times);
    case PerfWork::trace:
      return fmt::format("The benchmark's preparation is traced as well. {}", times);
    case PerfWork::locks:
      return setting.accelerator == Accelerator::kvm
                 ? times
                 : "The guest's CPUs are threads of an emulator: who waits for whom is real, how long is not.";
    case PerfWork::none:
      return "The exits are those of the benchmark with its preparation and the guest's end.";
    case PerfWork::sample:
      break;
  }
  return "";
}

Result<void> watch(const Setting& setting, const GuestKernel& kernel, const fs::path& folder) {
  constexpr std::size_t kThreads = 10;
  const Answer answer = TRY(in_guest(setting, kernel, folder));
  const std::string& report = answer.at("report");
  std::string shown = report;
  if (setting.work == PerfWork::trace) {
    const TraceSummary summary = largest_threads(report, kThreads);
    shown = summary.largest;
    if (summary.shown < summary.threads) {
      shown += fmt::format("\nThese are the {} threads with the most events, of {}: --output keeps all.\n",
                           summary.shown, summary.threads);
    }
  }
  shown.erase(0, shown.find_first_not_of('\n'));
  print_out("{} repetitions of {} on {} at depth {}. {}\n\n{}", setting.repetitions, setting.benchmark.name,
            kernel.shown, setting.arguments.depth, caution_for(setting), shown);
  const char* const name = setting.work == PerfWork::stat    ? "perf-stat.txt"
                           : setting.work == PerfWork::trace ? "perf-trace.txt"
                           : setting.work == PerfWork::locks ? "perf-lock.txt"
                                                             : "perf-kvm-stat.txt";
  return write_files(setting.arguments.output, {{name, report}});
}

Result<void> act(const ProfileArguments& arguments) {
  const PerfWork work = TRY(work_of(arguments));
  const auto paths = TRY(find_paths());
  const auto benchmarks = TRY(list_benchmarks(paths.guest / "micro"));
  if (arguments.benchmark.starts_with("smp_"))
    return user_error("{} needs the time meter's guest, and perf is not run in that: take one of 'nslab bench list'",
                      arguments.benchmark);
  const Benchmark& benchmark = *TRY(find_benchmark(benchmarks, arguments.benchmark));
  TRY(check_output(arguments.output));
  const Accelerator accelerator = TRY(accelerator_of(arguments));
  std::set<GuestFile> wanted = {{"/bin/sh", "dash"},
                                {"/usr/bin/perf", "linux-perf"},
                                {"/usr/bin/awk", "mawk"},
                                {"/usr/bin/sort", "coreutils"},
                                {"/usr/bin/cat", "coreutils"},
                                {"/usr/bin/sed", "sed"},
                                {"/usr/bin/sleep", "coreutils"},
                                {"/usr/bin/true", "coreutils"}};
  wanted.insert(benchmark.files.begin(), benchmark.files.end());
  const auto files = TRY(locate_files(paths, wanted));  // before a kernel is built for nothing
  const auto kernels = TRY(kernels_of(arguments, paths));
  const std::uint64_t times = work == PerfWork::sample ? kSampledRepetitions : 1;
  const Setting setting{.arguments = arguments,
                        .paths = paths,
                        .benchmark = benchmark,
                        .work = work,
                        .accelerator = accelerator,
                        .repetitions = arguments.repetitions > 0 ? static_cast<std::uint64_t>(arguments.repetitions)
                                                                 : times * benchmark.iterations,
                        .image = TRY(make_shell_image(paths, files))};
  const ScratchFolder folder = TRY(ScratchFolder::make(paths.cache / "tmp", "profile"));
  if (kernels.size() > 1) return compare(setting, kernels[0], kernels[1], folder.path());
  return work == PerfWork::sample ? sample(setting, kernels[0], folder.path())
                                  : watch(setting, kernels[0], folder.path());
}

const RegisterVerb registered({
    .name = "profile",
    .help = "look at a benchmark with perf, in the guest: where does the kernel spend its instructions?",
    .examples =
        "  nslab profile multi fork_exit_wait --depth 8\n"
        "  nslab profile multi vfork_exit_wait --output /tmp/p     with a flame graph, and stacks for speedscope\n"
        "  nslab profile multi fork_exit_wait --depth 8 --diff multi+hash    two kernels, with perf diff\n"
        "  nslab profile debian:6.12 shell1 --stat                 perf stat\n"
        "  nslab profile debian:6.12 ps_e_processes_10 --trace     perf trace -s\n"
        "  nslab profile multi stress_ng_fork --locks              perf lock contention, on two CPUs\n"
        "  nslab profile multi fork_exit_wait --accel kvm --exits  perf kvm stat, where KVM is real",
    .declare = verb_body<ProfileArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_profile
