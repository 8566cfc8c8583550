// SPDX-License-Identifier: GPL-2.0
//
// The worker: runs one benchmark, as PID 1 asks on descriptor 3, and answers on descriptor 4. One program for all
// benchmarks, so that all have an address space of the same shape (a fork copies page tables).
#include "micro.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "distribution.h"
#include "process_status.h"
#include "worker_protocol.h"
#ifdef NSLAB_TIMED
#include "../timed/smp.h"
#endif

namespace nslab::micro {

namespace {

using Json = nlohmann::ordered_json;

std::vector<Benchmark>& registered() {
  static std::vector<Benchmark> all;
  return all;
}

[[noreturn]] void answer(const Json& json) {
  const std::string text = json.dump();
  const bool written = write(kResultDescriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  // Not exit(): nothing of static destruction matters, and the measured work is done.
  _exit(written ? 0 : 1);
}

[[noreturn]] void give_up(const std::string& message) { answer(Json{{"status", "failed"}, {"message", message}}); }

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) give_up(std::string("cannot read: ") + std::strerror(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

/// Up to the end of a line. Byte by byte: the next line is for somebody else.
std::string read_line(int descriptor) {
  std::string text;
  for (char byte = 0;;) {
    const ssize_t got = read(descriptor, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1) give_up("PID 1 says nothing");
    if (byte == '\n') return text;
    text += byte;
  }
}

std::string read_file(int folder, const char* path) {
  const int file = openat(folder, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) give_up(std::string("cannot open ") + path + " of /proc: " + std::strerror(errno));
  std::string text = read_all(file);
  close(file);
  return text;
}

/// This process's pids, one a level, the initial namespace's first.
std::vector<pid_t> own_pids() {
  const std::string status = read_file(kProcDescriptor, "self/status");
  std::vector<pid_t> pids = status_numbers(status, "NSpid");
  // Without CONFIG_PID_NS there is no such line, and one number is all there is.
  return pids.empty() ? status_numbers(status, "Pid") : pids;
}

/// The condition as it is found here (docs/conditions.md), for the host to compare it with what it planned. Where the
/// ids go on is PID 1's to say.
Json condition_found(const Json& planned) {
  const int residents = planned.at("residents");
  const pid_t first = planned.at("first_resident");
  int found = 0;
  while (found < residents && kill(first + found, 0) == 0) ++found;
  int container = 0;
  if (planned.at("container") == true) {
    container = read_file(AT_FDCWD, "/proc/self/cgroup") == "0::/nslab\n" ? 1 : 0;
  }
  return Json{{"residents", found}, {"container", container}};
}

/// Who this is, twice: a /proc shows the pids of its own namespace and of those below, so that the namespaces above are
/// seen through the initial one's /proc alone, and getpid()'s and getppid()'s answers through the nearest one.
Identity identify(int depth) {
  Identity identity;
  identity.pids = own_pids();
  if (identity.pids.size() != static_cast<std::size_t>(depth) + 1) {
    give_up("the worker is at depth " + std::to_string(static_cast<int>(identity.pids.size()) - 1) + ", not at " +
            std::to_string(depth));
  }
  const std::string inner = read_file(AT_FDCWD, "/proc/self/status");
  const std::vector<pid_t> pid = status_numbers(inner, "Pid");
  const std::vector<pid_t> parent = status_numbers(inner, "PPid");
  const std::vector<pid_t> users = status_numbers(inner, "Uid");
  if (pid.size() != 1 || parent.size() != 1 || users.size() != 4) give_up("cannot read /proc/self/status");
  if (pid[0] != identity.pids.back()) give_up("/proc/self/status and NSpid disagree about this process's pid");
  identity.pid = pid[0];
  identity.parent = parent[0];
  identity.user = static_cast<unsigned>(users[0]);
  return identity;
}

/// Where the repetitions' costs go: resident from the start, and shared, as fork does not copy the page tables of
/// shared mappings and never makes them copy-on-write: the costs' number does not weigh on what a fork costs.
std::uint64_t* map_costs(std::uint64_t count) {
  void* const memory = mmap(nullptr, count * sizeof(std::uint64_t), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) give_up(std::string("cannot map memory for the costs: ") + std::strerror(errno));
  return static_cast<std::uint64_t*>(memory);
}

/// Google Benchmark runs the benchmark and tells a reporter; this one keeps what went wrong, and prints nothing.
class ErrorReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) error_ = run.error_message;
    }
  }
  const std::string& error() const { return error_; }

 private:
  std::string error_;
};

void print_list() {
  Json list = Json::array();
  for (const Benchmark& benchmark : benchmarks()) {
    Json files = Json::array();
    for (const File& file : benchmark.files) files.push_back(Json{{"path", file.path}, {"package", file.package}});
    list.push_back(Json{{"name", benchmark.name},
                        {"family", benchmark.family},
                        {"description", benchmark.description},
                        {"iterations", benchmark.iterations},
                        {"warmup", benchmark.warmup},
                        {"files", files},
                        {"memory_mib", benchmark.memory_mib}});
#ifdef NSLAB_TIMED
    if (benchmark.vcpus > 0) list.back()["vcpus"] = benchmark.vcpus;
#endif
    if (const Point& point = benchmark.point; point.series != nullptr) {
      list.back()["point"] = {{"series", point.series}, {"quantity", point.quantity}, {"value", point.value}};
    }
  }
  std::puts(list.dump(2).c_str());
}

/// Reads the request, measures and answers.
[[noreturn]] void work(std::uintptr_t stack) {
  const Json json = Json::parse(read_line(kRequestDescriptor), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) give_up("the request is no JSON object");
  const Request request = {.benchmark = json.at("benchmark"),
                           .time = json.at("meter") == "time",
                           .iterations = json.at("iterations"),
                           .warmup = json.at("warmup"),
                           .tick_phase = json.at("tick_phase")};
  const auto chosen = std::find_if(benchmarks().begin(), benchmarks().end(),
                                   [&](const Benchmark& benchmark) { return benchmark.name == request.benchmark; });
  if (chosen == benchmarks().end()) give_up("there is no benchmark '" + request.benchmark + "'");

  const Identity identity = identify(json.at("depth"));
  const Json found = condition_found(json.at("condition"));
  close(kProcDescriptor);
#ifdef NSLAB_TIMED
  timed::GuestClock::use_counter(json.at("counter_hertz"));
#endif
  std::uint64_t* const costs = map_costs(request.iterations);
  const char* const pad = getenv("NSLAB_PAD");
  Json result;
  const auto run = [&](benchmark::State& state) {
    Measurement measurement(request, identity, chosen->point, costs, state);
    chosen->run(measurement);
    if (const auto& refusal = measurement.refusal()) {
      const char* const name = strerrorname_np(refusal->error);
      result = Json{{"status", "refused"},
                    {"errno", name == nullptr ? std::to_string(refusal->error) : name},
                    {"level", refusal->level}};
    }
    if (!measurement.measured()) return;
    const Distribution distribution = summarise({costs, costs + request.iterations});
    result = Json{{"status", "ok"},
                  {"unit", request.time ? TimeClock::kUnit : InstructionClock::kUnit},
                  {"iterations", distribution.iterations},
                  {"sum", distribution.sum},
                  {"sum_first_half", distribution.sum_first_half},
                  {"minimum", distribution.minimum},
                  {"median", distribution.median},
                  {"p90", distribution.p90},
                  {"maximum", distribution.maximum},
                  {"involuntary_switches", measurement.involuntary_switches()},
                  {"nspid", identity.pids},
                  {"layout",
                   {{"stack", stack},
                    // The first mapping of all, put right below the mmap base: the dynamic linker.
                    {"mmap", getauxval(AT_BASE)},
                    {"environment_bytes", pad == nullptr ? 0 : std::strlen(pad)},
                    {"tick_phase", measurement.tick_phase()},
                    {"history", json.at("history")}}}};
    result["layout"].update(found);
#ifdef NSLAB_TIMED
    result["layout"]["clock"] = timed::clocksource();
    if (json.at("kernel_text") != 0) result["layout"]["kernel_text"] = json.at("kernel_text");
    if (json.at("counter_hertz") != 0) result["layout"]["counter_hertz"] = json.at("counter_hertz");
    for (const auto& [name, value] : measurement.notes()) result["layout"][name] = value;
#endif
  };
  // Before the first benchmark Google Benchmark reads /proc/cpuinfo, /proc/loadavg and /sys/devices/system/cpu for its
  // context: harmless, as the same instructions in every boot and before the warm-up.
  benchmark::RegisterBenchmark(chosen->name, run)
      ->Iterations(static_cast<benchmark::IterationCount>(request.iterations));
  ErrorReporter reporter;
  if (benchmark::RunSpecifiedBenchmarks(&reporter, "all") != 1) give_up("Google Benchmark ran no benchmark");
  const bool refused = result.is_object() && result.at("status") == "refused";
  if (!reporter.error().empty() && !refused) give_up(reporter.error());
  if (result.is_null()) give_up("the benchmark measured nothing: it never called repeat()");
  answer(result);
}

}  // namespace

void level_slabs() {
  constexpr std::string_view what = kLevel;
  if (write(kResultDescriptor, what.data(), what.size()) != static_cast<ssize_t>(what.size())) _exit(1);
  if (read_line(kRequestDescriptor) + '\n' != what) _exit(1);
  close(kRequestDescriptor);
}

Registration::Registration(const Benchmark& benchmark) {
  std::vector<Benchmark>& all = registered();
  // Sorted as they come: the order in which files are linked must not matter.
  const auto behind = std::find_if(all.begin(), all.end(),
                                   [&](const Benchmark& other) { return std::strcmp(benchmark.name, other.name) < 0; });
  all.insert(behind, benchmark);
}

const std::vector<Benchmark>& benchmarks() { return registered(); }

}  // namespace nslab::micro

// NOLINTNEXTLINE(bugprone-exception-escape): lack of memory alone gets past the handler, and may end the worker.
int main(int argc, char** argv) {
  const int here = 0;
  try {
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
      nslab::micro::print_list();
      return 0;
    }
#ifdef NSLAB_TIMED
    if (argc == 2 && std::strcmp(argv[1], nslab::timed::kSmpWorker) == 0) nslab::timed::work_on_vcpu();
#endif
    if (argc != 1 || fcntl(nslab::kRequestDescriptor, F_GETFD) < 0) {
      std::fputs("Usage: micro --list\n\nPrints the benchmarks as JSON. They are run by init inside a guest.\n",
                 stderr);
      return 2;
    }
    nslab::micro::work(reinterpret_cast<std::uintptr_t>(&here));
  } catch (const std::exception& error) {
    nslab::micro::give_up(std::string("a bug: ") + error.what());
  }
}
