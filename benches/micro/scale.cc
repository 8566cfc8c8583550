// SPDX-License-Identifier: GPL-2.0
//
// How cost grows: the same few operations among more and more processes, beside more and more pid namespaces, and with
// pid numbers given out in different ways. A benchmark for each operation and size, made from the tables at the end.
//
// All start with every namespace's next number below kLow, wherever the cells before have left it: how high an IDR or a
// bitmap reaches is then the benchmark's own doing.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <deque>
#include <string>

#include "../macro/files.h"
#include "../macro/ps.h"
#include "micro.h"
#include "operations.h"
#include "processes.h"

namespace {

using nslab::micro::absent_pid;
using nslab::micro::Benchmark;
using nslab::micro::Crowd;
using nslab::micro::Descriptor;
using nslab::micro::is_refusal;
using nslab::micro::Measurement;
using nslab::micro::Pids;
using nslab::micro::Registration;
using nslab::micro::repeat_fork;
using nslab::micro::repeat_proc_readdir;

constexpr pid_t kLow = 1024;
constexpr pid_t kReserved = 300;  ///< RESERVED_PIDS: behind pid_max the numbers start here again
// The namespaces above start again at the same time, and some of their lowest numbers are taken.
constexpr pid_t kRoom = 64;

// ---- Pid numbers ---------------------------------------------------------------------------------------------------

/// kernel.pid_max at another value, for as long as the object lives. It holds for all namespaces.
class PidMax {
 public:
  explicit PidMax(pid_t value) : file_(open("/proc/sys/kernel/pid_max", O_RDWR | O_CLOEXEC)) {
    char text[16] = {};
    const ssize_t size = read(file_.get(), text, sizeof text);
    if (size <= 0) return;
    before_.assign(text, static_cast<std::size_t>(size));
    lowered_ = set(std::to_string(value));
  }
  PidMax(const PidMax&) = delete;
  PidMax& operator=(const PidMax&) = delete;
  ~PidMax() { restore(); }

  explicit operator bool() const { return lowered_; }
  bool restore() { return before_.empty() || set(std::exchange(before_, {})); }

 private:
  bool set(const std::string& text) const {
    return pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }
  Descriptor file_;
  std::string before_;
  bool lowered_ = false;
};

/// Makes a child with pid_max at this value: a namespace whose next number is not below it starts again at the bottom.
/// The child's pid; -1 on failure.
pid_t child_below(pid_t pid_max) {
  PidMax lowered(pid_max);
  const pid_t child = lowered ? absent_pid() : -1;
  return lowered.restore() ? child : -1;
}

bool start_low() { return child_below(kLow) > 0; }

/// Uses this namespace's numbers up, so that they are given out a second time.
bool wrap_around() {
  pid_t last = absent_pid();
  while (last > 0 && last <= kReserved + kRoom) last = absent_pid();
  const pid_t next = last > 0 ? child_below(last + 1) : -1;
  return next > 0 && next < last;
}

// ---- Operations ----------------------------------------------------------------------------------------------------

using Repeat = void (*)(Measurement& measurement, const Pids& others);

void fork_among(Measurement& measurement, const Pids&) { repeat_fork(measurement); }

/// One after the other, far apart: what a hash chain's length or a tree's cold corner costs is met as often as it is
/// there.
void kill_each(Measurement& measurement, const Pids& others) {
  constexpr std::size_t kStride = 617;  // a prime that divides none of the sizes: each is met
  std::size_t at = 0;
  long result = -1;
  measurement.repeat([&] { result = syscall(SYS_kill, others[at], 0); },
                     [&] {
                       const bool good = result == 0;
                       result = -1;
                       at = (at + kStride) % others.size();
                       return good ? nullptr : "kill() of another process failed";
                     });
}

// ---- What there is much of -----------------------------------------------------------------------------------------

void fail_to_make(Measurement& measurement, const char* what, const Crowd& crowd) {
  measurement.fail(std::string("cannot make the ") + what + " (of all, " + std::to_string(crowd.pids().size()) +
                   " were made): " + std::strerror(crowd.error()) +
                   (crowd.error() == EAGAIN ? "; kernel.pid_max and kernel.threads-max must exceed their number" : ""));
}

template <Repeat repeat>
void among_processes(Measurement& measurement) {
  if (!start_low()) return measurement.fail("cannot make the pid numbers start low");
  const Crowd crowd(measurement.point.value);
  if (!crowd) return fail_to_make(measurement, "processes", crowd);
  repeat(measurement, crowd.pids());
}

/// Each namespace has one process, its pid 1.
template <Repeat repeat>
void beside_namespaces(Measurement& measurement) {
  if (!start_low()) return measurement.fail("cannot make the pid numbers start low");
  const Crowd crowd(measurement.point.value, {.flags = CLONE_NEWPID});
  if (crowd.pids().empty() && is_refusal(crowd.error())) {
    return measurement.refuse(crowd.error(), measurement.depth() + 1);
  }
  if (!crowd) return fail_to_make(measurement, "pid namespaces", crowd);
  repeat(measurement, crowd.pids());
}

// The same in all three. Fragmented, they reach further than the numbers that a fork's repetitions use.
constexpr std::size_t kNumbered = 500;

template <Repeat repeat>
void among_fresh_numbers(Measurement& measurement) {
  if (!start_low()) return measurement.fail("cannot make the pid numbers start low");
  const Crowd crowd(kNumbered);
  if (!crowd) return fail_to_make(measurement, "processes", crowd);
  repeat(measurement, crowd.pids());
}

template <Repeat repeat>
void among_wrapped_numbers(Measurement& measurement) {
  if (!start_low() || !wrap_around()) return measurement.fail("cannot make the pid numbers wrap around");
  const Crowd crowd(kNumbered);
  if (!crowd) return fail_to_make(measurement, "processes", crowd);
  repeat(measurement, crowd.pids());
}

template <Repeat repeat>
void among_fragmented_numbers(Measurement& measurement) {
  if (!start_low()) return measurement.fail("cannot make the pid numbers start low");
  const pid_t last = absent_pid();
  if (last < 0) return measurement.fail("cannot find a free pid");
  const Crowd crowd(kNumbered, {.first = last + 2, .step = 2});
  if (!crowd) return fail_to_make(measurement, "processes", crowd);
  repeat(measurement, crowd.pids());
}

// ---- What it takes
// ----------------------------------------------------------------------------------------------------

// Of the guest's memory for each process, an estimate on the high side: its task, kernel stack, signal handlers and
// struct pid; besides, once /proc has listed it, a dentry and an inode; and once ps has read it, those of its files
// stat, status, environ and cmdline. 30,000 processes, all listed, fit in what it comes to.
constexpr std::uint64_t kProcessKib = 32;
constexpr std::uint64_t kNamespaceKib = 4;
constexpr std::uint64_t kListedKib = 2;
constexpr std::uint64_t kReadKib = 4;

std::uint64_t in_mib(std::uint64_t kib) { return (kib + 1023) / 1024; }

// ---- The benchmarks ------------------------------------------------------------------------------------------------

using Run = void (*)(Measurement& measurement);

/// How often an operation is repeated among so many.
struct Count {
  std::uint64_t iterations;
  std::uint64_t warmup;
};

struct Operation {
  const char* name;
  const char* description;
  Count (*count)(std::uint64_t others);
  Run among_processes;
  Run beside_namespaces;
  std::array<Run, 3> numbers;  ///< fresh, wrapped, fragmented
  std::uint64_t kib;           ///< of the guest's memory for each process, besides its own: files of /proc
  std::vector<nslab::micro::File> files;
};

template <Repeat repeat>
Operation make(const char* name, const char* description, Count (*count)(std::uint64_t), std::uint64_t kib = 0,
               std::vector<nslab::micro::File> files = {}) {
  return {name,
          description,
          count,
          among_processes<repeat>,
          beside_namespaces<repeat>,
          {among_fresh_numbers<repeat>, among_wrapped_numbers<repeat>, among_fragmented_numbers<repeat>},
          kib,
          std::move(files)};
}

// Whole runs of a program: a third of a million instructions for each process that it lists.
Count count_of_ps(std::uint64_t others) { return {others <= 100 ? 4U : others <= 1000 ? 2U : 1U, 1}; }

const std::array kOperations = {
    make<fork_among>("fork", "fork, _exit, waitpid: alloc_pid(), release_task(), free_pid()",
                     [](std::uint64_t) {
                       return Count{200, 100};
                     }),
    make<kill_each>("kill", "kill(2) of one after the other, signal 0: find_vpid(), kill_pid_info()",
                    [](std::uint64_t) {
                      return Count{2000, 200};
                    }),
    // Some 10,000 entries in all, but at least four times.
    make<repeat_proc_readdir>(
        "proc_readdir", "open, getdents64 to the end, close of /proc: proc_pid_readdir(), next_tgid(), find_ge_pid()",
        [](std::uint64_t others) {
          const std::uint64_t iterations = std::clamp<std::uint64_t>(10'000 / others / 2 * 2, 4, 100);
          return Count{iterations, std::max<std::uint64_t>(iterations / 4, 2)};
        },
        kListedKib),
    make<nslab::macro::repeat_ps_e>("ps_e",
                                    "a program, ps -e -o pid,ppid,pgid,sid,cmd: next_tgid(), do_task_stat(), "
                                    "proc_pid_status()",
                                    count_of_ps, kListedKib + kReadKib, {nslab::macro::kPs}),
    make<nslab::macro::repeat_ps_xaf>("ps_xaf", "a program, ps -xaf: as ps_e, and it sorts them into a tree",
                                      count_of_ps, kListedKib + kReadKib, {nslab::macro::kPs}),
};

constexpr std::uint64_t kProcesses[] = {10, 100, 1000, 10'000, 30'000};
constexpr std::uint64_t kNamespaces[] = {1, 10, 100, 1000};

/// Texts for as long as the program runs.
const char* keep(std::string text) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(text)).c_str();
}

void add(const Operation& operation, const std::string& name, const std::string& where, std::uint64_t others, Run run,
         std::uint64_t kib, const nslab::micro::Point& point) {
  const Count count = operation.count(others);
  Registration(Benchmark{.name = keep(operation.name + ("_" + name)),
                         .family = "scale",
                         .description = keep(operation.description + ("; " + where)),
                         .iterations = count.iterations,
                         .warmup = count.warmup,
                         .run = run,
                         .files = operation.files,
                         .point = point,
                         .memory_mib = in_mib(others * (kib + operation.kib))});
}

const bool added = [] {
  for (const Operation& operation : kOperations) {
    for (const std::uint64_t value : kProcesses) {
      const std::string text = std::to_string(value);
      add(operation, "processes_" + text, text + " other processes in the namespace", value, operation.among_processes,
          kProcessKib, {operation.name, "processes", value});
    }
    for (const std::uint64_t value : kNamespaces) {
      const std::string text = std::to_string(value);
      add(operation, "namespaces_" + text, text + " pid namespaces below, with one process each", value,
          operation.beside_namespaces, kProcessKib + kNamespaceKib, {operation.name, "namespaces", value});
    }
    const std::string among = std::to_string(kNumbered) + " other processes, ";
    constexpr std::array kNumbers = {
        std::pair{"pids_fresh", "the namespace's numbers ahead are free"},
        std::pair{"pids_wrapped", "its numbers are given out a second time, from RESERVED_PIDS on"},
        std::pair{"pids_fragmented", "they have every second number ahead"}};
    for (std::size_t i = 0; i < kNumbers.size(); ++i) {
      add(operation, kNumbers[i].first, among + kNumbers[i].second, kNumbered, operation.numbers[i], kProcessKib, {});
    }
  }
  return true;
}();

}  // namespace
