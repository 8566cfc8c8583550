// SPDX-License-Identifier: GPL-2.0
//
// `make torture`: a small run, with kernels to be built, is killed, starved of disk space, robbed of its QEMUs and read
// while it goes on, at random moments. What it finished must stay, and what it ends with must be, to the digit, what an
// undisturbed run ends with. Prints what was done and found; ends with 1 when a promise of docs/durability.md is
// broken.
//
//   torture [KILLS [FULL_DISKS [QEMUS [SEED]]]]
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>

#include "clock.h"
#include "lab_support.h"
#include "store.h"

namespace nslab::lab {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExperiment = R"(
name = "torture"
profile = "mini"
boots = 3
[[measure]]
kernels = ["multi", "none"]
depths = [0, 1]
benchmarks = ["getpid", "fork_exit_wait"]
)";

using SampleKey = std::tuple<std::string, int, std::string, std::uint64_t>;
using Samples = std::map<SampleKey, Sample>;

class Torture {
 public:
  Torture(fs::path work, unsigned seed) : work_(std::move(work)), random_(seed) {}

  /// A cache with the sources and one model's objects of the caller's, so that a missing kernel takes seconds to build,
  /// on a disk of its own; and what an undisturbed run ends with.
  void prepare() {
    const fs::path callers = paths().cache;
    for (const char* model : {"multi", "none"}) kernels_.push_back(kernel(model).folder);
    mount(cache(), "12g");
    mount(results(), "64m");
    fs::create_directories(cache() / "objects");
    fs::create_symlink(callers / "sources", cache() / "sources");
    for (const fs::path& folder : kernels_) copy(folder.parent_path(), cache() / "kernels", folder.filename());
    copy(callers / "objects", cache() / "objects", "mini-multi-");
    copy(callers / "seals", cache() / "seals", "");
    if (!write_file(config(), kExperiment)) std::abort();
    const Captured ended = run_to_end();
    if (WEXITSTATUS(ended.status) != 0 || ended.output.find("building") != std::string::npos) {
      fmt::print(stderr, "the undisturbed run failed:\n{}\n", ended.output);
      std::exit(1);
    }
    truth_ = samples();
    fmt::print("undisturbed: {} samples of 6 boots\n", truth_.size());
    start_anew();
  }

  void kills(int count) {
    int building = 0;
    int boots = 0;
    int rounds = 0;
    for (int i = 0; i < count; ++i) {
      const bool build = i % 4 == 0;
      if (build) remove_a_kernel();
      Process run = start();
      const auto ended = run.wait_for(uniform(0, build ? 40 : 15));
      building += !ended && fs::exists(cache() / "tmp") && holds_build() ? 1 : 0;
      if (!ended) {
        run.kill(SIGKILL);
        run.wait_for(10);
      }
      boots += check_stored("after a kill");
      if (stored_.size() == 6) {
        expect_truth("after kills");
        start_anew();
        ++rounds;
      }
    }
    finish("kills");
    if (count >= 20 && building == 0) broken("no kill hit a build: the test does not do what it says");
    fmt::print("kill -9: {} ({} while a kernel was built), {} boots checked afterwards, {} runs completed\n", count,
               building, boots, rounds + 1);
  }

  void full_disks(int count) {
    int full = 0;
    for (int i = 0; i < count; ++i) {
      const bool of_cache = i % 2 == 0;
      const fs::path disk = of_cache ? cache() : results();
      if (of_cache) remove_a_kernel();
      Process run = start();
      run.wait_for(uniform(0, of_cache ? 25 : 12));
      // No room but for what a few more writes need.
      const auto used = fs::space(disk).capacity - fs::space(disk).free;
      resize(disk, fmt::format("{}", used + random_() % (of_cache ? 4'000'000 : 100'000)));
      const std::optional<int> status = end_of(run);
      if (!status) broken("a run on a full disk hangs");
      if (status && WEXITSTATUS(*status) != 0) {
        ++full;
        const std::string log = read_file(work_ / "log").value_or("");
        if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 3) {
          broken(fmt::format("a full disk ends a run with {}:\n{}", describe_status(*status), log));
        }
      }
      resize(disk, of_cache ? "12g" : "64m");
      check_stored("after a full disk");
      if (stored_.size() == 6) start_anew();
    }
    finish("full disks");
    fmt::print("full disks: {} (half of them under the cache), {} ended a run, with exit code 3\n", count, full);
  }

  void qemus(int count) {
    int hit = 0;
    for (int i = 0; i < count; ++i) {
      std::optional<Load> load;
      if (i % 3 == 2) load.emplace();
      Process run = start();
      run.wait_for(uniform(1, 6));
      const bool stop = i % 3 == 1;
      const auto signal_qemus = [&](const char* signal) {
        return must(run_captured({.argv = {"pkill", signal, "-P", std::to_string(run.pid()), "qemu"}})).status == 0;
      };
      hit += signal_qemus(stop ? "-STOP" : i % 3 == 0 ? "-KILL" : "-CONT") ? 1 : 0;
      if (stop) {
        run.wait_for(3);
        signal_qemus("-CONT");
      }
      if (!end_of(run)) broken("a run whose QEMU was disturbed hangs");
      check_stored("after a QEMU was disturbed");
      finish("QEMUs");
      start_anew();
    }
    fmt::print("QEMU killed, stopped for 3 s, or slowed by load: {}, of which {} hit one\n", count, hit);
  }

  /// Objects and sources with times of the future and of long ago, as after the clock was stepped.
  void clocks() {
    for (const char* when : {"2040-01-01", "1990-01-01"}) {
      must(run_captured(
          {.argv = {"sh", "-c",
                    fmt::format("find '{}' -exec touch -h -d {} {{}} +", (cache() / "objects").string(), when)}}));
      remove_a_kernel();
      remove_a_kernel();
      finish("stepped clocks");
      start_anew();
    }
    fmt::print("clock stepped (times of all objects set to 2040 and 1990): 2 builds of 2 kernels\n");
  }

  /// Two runs with the same kernels to build, and reports all the while.
  void together() {
    int reports = 0;
    remove_a_kernel();
    remove_a_kernel();
    Process one = start();
    Process other = start("other");
    std::optional<int> first;
    std::optional<int> second;
    while (!first || !second) {
      if (!first) first = one.wait_for(0.2);
      if (!second) second = other.wait_for(0.2);
      const Captured report =
          nslab({"report", results().string(), "--output", (work_ / "page").string()}, environment());
      // Until a boot is there, there is nothing to report.
      const int exit = WEXITSTATUS(report.status);
      if (!WIFEXITED(report.status) || (exit != 0 && exit != 2)) broken("a report during a run: " + report.output);
      reports += exit == 0 ? 1 : 0;
    }
    if (*first != 0 || *second != 0) broken("of two runs at once, one failed: " + *read_file(work_ / "log"));
    check_stored("after two runs at once");
    expect_truth("after two runs at once");
    if (samples_of(results() / "other") != truth_) broken("the second of two runs has other digits");
    start_anew();
    fmt::print("two runs with builds at once, and {} reports during them\n", reports);
  }

  int result() const {
    fmt::print("{}\n", broken_ == 0 ? "nothing was lost, no sample was false, no folder was left"
                                    : fmt::format("BROKEN PROMISES: {}", broken_));
    return broken_ == 0 ? 0 : 1;
  }

 private:
  fs::path cache() const { return work_ / "cache"; }
  fs::path results() const { return work_ / "results"; }
  fs::path config() const { return work_ / "torture.toml"; }
  std::map<std::string, std::string> environment() const { return {{"NSLAB_CACHE", cache().string()}}; }

  static void mount(const fs::path& folder, const std::string& size) {
    fs::create_directories(folder);
    const Captured mounted =
        must(run_captured({.argv = {"mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", folder.string()}}));
    if (mounted.status != 0) {
      fmt::print(stderr, "{}\n", mounted.output);
      std::exit(3);
    }
  }
  static void resize(const fs::path& disk, const std::string& size) {
    must(run_captured({.argv = {"mount", "-o", "remount,size=" + size, disk.string()}}));
  }
  static void copy(const fs::path& from, const fs::path& to, const std::string& prefix) {
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from)) {
      if (!entry.path().filename().string().starts_with(prefix)) continue;
      must(run_captured({.argv = {"cp", "-a", entry.path().string(), to.string()}}));
    }
  }

  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }

  std::vector<std::string> arguments(const fs::path& folder) const {
    return {"run", config().string(), "--force-profile", "--results", folder.string()};
  }
  Process start(const std::string& subfolder = "") {
    Command command = nslab_command(arguments(subfolder.empty() ? results() : results() / subfolder));
    command.environment = environment();
    command.output = work_ / ("log" + subfolder);
    fs::remove(command.output);
    return must(Process::start(command));
  }
  /// How the run ended; nothing when it hangs. It may build a kernel from nothing meanwhile, which takes minutes on a
  /// busy machine; but it says every ten seconds how far it is.
  std::optional<int> end_of(Process& run) const {
    constexpr int kSilence = 240;  // seconds
    std::uintmax_t said = 0;
    std::optional<int> status;
    for (int silent = 0; silent < kSilence && !status; ++silent) {
      status = run.wait_for(1);
      const std::uintmax_t now = size_of_file(work_ / "log");
      if (now != said) silent = 0;
      said = now;
    }
    return status;
  }
  Captured run_to_end() const { return nslab(arguments(results()), environment()); }

  /// Of the experiment's two kernels, the one that was removed longer ago; its build takes some seconds, from the
  /// objects.
  void remove_a_kernel() {
    const fs::path& folder = kernels_[static_cast<std::size_t>(next_removed_++ % 2)];
    fs::remove_all(cache() / "kernels" / folder.filename());
  }
  bool holds_build() const {
    for (const auto& entry : fs::directory_iterator(cache() / "tmp")) {
      if (entry.path().filename().string().starts_with("build-")) return true;
    }
    return false;
  }

  void broken(const std::string& what) {
    ++broken_;
    fmt::print("BROKEN: {}\n", what);
  }

  Samples samples_of(const fs::path& folder) {
    Samples found;
    if (!fs::exists(folder / "nslab.sqlite")) return found;
    auto store = Store::open_existing(folder.string());
    if (!store) {
      broken("the store cannot be opened: " + store.error().message);
      return found;
    }
    const auto run = store->run(std::nullopt);
    if (!run) return found;  // killed before the run was begun
    const auto samples = store->samples(run->id);
    if (!samples) {
      broken("the store cannot be read: " + samples.error().message);
      return found;
    }
    for (const Sample& s : *samples) found[{s.kernel, s.depth, s.benchmark, s.seed}] = s;
    return found;
  }
  Samples samples() { return samples_of(results()); }

  /// Compares what is stored with the truth and with what was stored before. Returns how many boots it has seen.
  int check_stored(const std::string& when) {
    std::set<std::pair<std::string, std::uint64_t>> boots;
    std::map<std::pair<std::string, std::uint64_t>, int> cells;
    for (const auto& [key, sample] : samples()) {
      const auto found = truth_.find(key);
      if (found == truth_.end() || found->second != sample) {
        broken(fmt::format("{}, {} at depth {} on {} with seed {} is {}", when, sample.benchmark, sample.depth,
                           sample.kernel, sample.seed, sample.sum));
      }
      boots.emplace(sample.kernel, sample.seed);
      ++cells[{sample.kernel, sample.seed}];
    }
    for (const auto& [boot, count] : cells) {
      if (count != 4) broken(fmt::format("{}, a boot of {} has {} of 4 samples", when, boot.first, count));
    }
    for (const auto& boot : stored_) {
      if (!boots.contains(boot)) broken(fmt::format("{}, a boot of {} that was stored is gone", when, boot.first));
    }
    stored_ = boots;
    return static_cast<int>(boots.size());
  }

  void expect_truth(const std::string& when) {
    if (samples() != truth_) broken(when + ", the samples are not those of the undisturbed run");
  }

  /// Lets the run end undisturbed; then all must be as if nothing had been.
  void finish(const std::string& after) {
    const Captured ended = run_to_end();
    if (WEXITSTATUS(ended.status) != 0) broken(fmt::format("after {}, the run does not end: {}", after, ended.output));
    check_stored("after " + after);
    expect_truth("after " + after);
    std::string left;
    for (const fs::path& folder : {cache() / "tmp", results()}) {
      for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (name != "nslab.sqlite" && name != "nslab.lock" && name != "failed") left += " " + entry.path().string();
      }
    }
    if (!left.empty()) broken(fmt::format("after {}, files are left:{}", after, left));
    start_anew();
  }

  void start_anew() {
    for (const auto& entry : fs::directory_iterator(results())) fs::remove_all(entry.path());
    stored_.clear();
  }

  const fs::path work_;
  std::mt19937 random_;
  int next_removed_ = 1;  ///< 'none' first: its build needs the objects of 'multi'
  std::vector<fs::path> kernels_;
  int broken_ = 0;
  Samples truth_;
  std::set<std::pair<std::string, std::uint64_t>> stored_;  ///< (kernel, seed)
};

int torture(int argc, char** argv) {
  const auto number = [&](int at, int otherwise) { return argc > at ? std::atoi(argv[at]) : otherwise; };
  // Mounts of its own, so that disks of any size can be had without touching the machine's.
  if (std::getenv("NSLAB_TORTURE_MOUNTS") == nullptr) {
    ::setenv("NSLAB_TORTURE_MOUNTS", "1", 1);
    std::vector<char*> words = {const_cast<char*>("unshare"), const_cast<char*>(::geteuid() == 0 ? "-m" : "-rm")};
    words.insert(words.end(), argv, argv + argc);
    words.push_back(nullptr);
    ::execvp("unshare", words.data());
    std::perror("unshare");
    return 3;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const TempFolder work = folder();
  const auto seed = static_cast<unsigned>(number(4, 1));
  fmt::print("seed {}\n", seed);
  Torture torture(work.path(), seed);
  torture.prepare();
  torture.together();
  torture.clocks();
  torture.kills(number(1, 200));
  torture.full_disks(number(2, 50));
  torture.qemus(number(3, 20));
  must(run_captured({.argv = {"umount", (work.path() / "cache").string(), (work.path() / "results").string()}}));
  return torture.result();
}

}  // namespace
}  // namespace nslab::lab

int main(int argc, char** argv) { return nslab::lab::torture(argc, argv); }
