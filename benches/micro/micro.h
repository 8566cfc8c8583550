// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clocks.h"
#ifdef NSLAB_TIMED  // the worker of the time meter: benches/timed
#include "../timed/counters.h"
#include "../timed/guest_clock.h"
#endif

/// To add a benchmark: one function in one file.
///
///   NSLAB_BENCHMARK(getpid, "identity", "getpid(2): __task_pid_nr_ns() of the thread group", 2000, 200) {
///     pid_t seen = 0;
///     measurement.repeat([&] { seen = getpid(); }, [&] { return seen == 42 ? nullptr : "getpid() is not 42"; });
///   }
///
/// The first function given to repeat() is the operation; it alone lies between the two readings of the counter. The
/// second checks what the operation did, after the second reading: nullptr, or what is wrong, which fails the cell.
/// What must be there before (files, attributes, expected values) is made above repeat(). The name is a C identifier,
/// the host learns it and all else from `micro --list`. docs/adding-a-benchmark.md goes through it step by step.
namespace nslab::micro {

/// What PID 1 asks for, on descriptor 3.
struct Request {
  std::string benchmark;
  bool time = false;  ///< meter: false counts instructions, true nanoseconds
  std::uint64_t iterations = 0;
  std::uint64_t warmup = 0;
  std::uint64_t tick_phase = 0;  ///< instructions (ns) from the tick to the first repetition
};

/// A benchmark may be one of several that differ in the size of one thing: then it is a point of a curve.
struct Point {
  const char* series = nullptr;    ///< the operation, as "fork"; nullptr: no point of any curve
  const char* quantity = nullptr;  ///< what there is so much of, as "processes"
  std::uint64_t value = 0;         ///< how much
};

/// Who this process is, from /proc before anything is measured: what the checks compare with.
struct Identity {
  std::vector<int> pids;  ///< one a level, this namespace's last
  int pid = 0;
  int parent = 0;
  unsigned user = 0;
};

/// Has PID 1 bring the kernel's slabs into the state that the seed chooses, when all that was left for later is done.
/// Once in a worker's life.
void level_slabs();

/// One benchmark's run: times the operation repetition by repetition.
class Measurement {
 public:
  /// `costs` has room for request.iterations and is resident.
  Measurement(const Request& request, const Identity& identity, const Point& point, std::uint64_t* costs,
              benchmark::State& state)
      : identity(identity), point(point), request_(request), costs_(costs), state_(state) {}

  const Identity& identity;
  const Point& point;  ///< the benchmark's

  template <class Operation, class Check>
  void repeat(Operation operation, Check check) {
#ifdef NSLAB_TIMED
    const std::uint64_t steal = timed::steal_ticks();
    repeat_with<timed::GuestClock>(operation, check);
    note("steal_ticks", timed::steal_ticks() - steal);
    note("clock_step_ns", timed::GuestClock::step());
    if (measured_ && !state_.error_occurred()) count(operation, check);
#else
    if (request_.time) {
      repeat_with<TimeClock>(operation, check);
    } else {
      repeat_with<InstructionClock>(operation, check);
    }
#endif
  }

  /// Times one call that must return `expected` each time; `wrong` says what it means that it did not.
  template <class Call>
  void repeat_call(long expected, const char* wrong, Call call) {
    long result = ~expected;
    repeat([&] { result = call(); },
           [&] {
             const bool good = result == expected;
             result = ~expected;
             return good ? nullptr : wrong;
           });
  }

  /// The benchmark could not even start.
  void fail(const std::string& message) { state_.SkipWithError(message.c_str()); }

  /// The kernel forbids what the benchmark does: `error` (errno) at `level` (0 is the initial pid namespace). A result
  /// of its own, instead of repeat(): a benchmark that may be refused tries its operation once before.
  void refuse(int error, int level) {
    refusal_ = {error, level};
    state_.SkipWithError("refused");
  }

  /// How many pid namespaces below the initial one this is.
  int depth() const { return static_cast<int>(identity.pids.size()) - 1; }

  struct Refusal {
    int error;
    int level;
  };
  const std::optional<Refusal>& refusal() const { return refusal_; }
  bool measured() const { return measured_; }
  std::int64_t tick_phase() const { return tick_phase_; }
  long involuntary_switches() const { return involuntary_switches_; }

#ifdef NSLAB_TIMED
  /// A number that is stored with the sample.
  void note(const std::string& name, std::uint64_t value) { notes_.emplace_back(name, value); }
  const std::vector<std::pair<std::string, std::uint64_t>>& notes() const { return notes_; }

  /// What repeat() does, for a benchmark that measures by itself: takes over costs of repetitions, as many as were
  /// asked for, in nanoseconds an operation.
  void take(const std::vector<std::uint64_t>& costs, long switches) {
    std::copy(costs.begin(), costs.end(), costs_);
    involuntary_switches_ = switches;
    measured_ = true;
    while (state_.KeepRunningBatch(static_cast<benchmark::IterationCount>(request_.iterations))) {
    }
  }
  std::uint64_t iterations() const { return request_.iterations; }
  std::uint64_t warmup() const { return request_.warmup; }
#endif

 private:
  static constexpr std::uint64_t kTickWait = 40'000'000;  ///< ten ticks at 250 Hz, four at 100 Hz
  /// Between that tick and the measurement, where the operation is shorter: a whole number of ticks at 100, 250, 300
  /// and 1000 Hz in which it goes on. While the tick was waited for the kernel caught up with what the warm-up had left
  /// for later (what RCU frees, most of all); when the measurement starts such work comes as fast as it is made again.
  static constexpr std::uint64_t kSettle = 20'000'000;

  static long switches_so_far() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
  }

  /// When the next timer tick came: the last reading before it. 0 if none came.
  template <class Clock>
  static std::uint64_t wait_for_tick() {
    const std::uint64_t start = Clock::now();
    for (std::uint64_t last = start; last - start < kTickWait;) {
      const std::uint64_t now = Clock::now();
      if (now - last > Clock::kInterrupted) return last;
      last = now;
    }
    return 0;
  }

  template <class Clock, class Operation, class Check>
  void repeat_with(Operation& operation, Check& check) {
    std::uint64_t longest = 0;
#ifdef NSLAB_TIMED
    std::uint64_t shortest = ~std::uint64_t{0};
#endif
    for (std::uint64_t i = 0; i < request_.warmup; ++i) {
      const std::uint64_t before = Clock::now();
      operation();
#ifdef NSLAB_TIMED
      const std::uint64_t took = Clock::now() - before;
      longest = std::max(longest, took);
      shortest = std::min(shortest, took);
#else
      longest = std::max(longest, Clock::now() - before);
#endif
      if (const char* const wrong = check()) return fail(std::string(wrong) + " (in the warm-up)");
    }
    level_slabs();
#ifdef NSLAB_TIMED
    const bool too_short = shortest <= 2 * timed::GuestClock::step();
#endif
    const char* wrong = nullptr;
    // One batch: Google Benchmark's own code runs before and after it, none between repetitions.
    while (state_.KeepRunningBatch(static_cast<benchmark::IterationCount>(request_.iterations))) {
      const std::uint64_t tick = wait_for_tick<Clock>();
      if (tick == 0 && !request_.time) return fail("no timer tick came within 40 ms: nothing to align the start with");
      const bool settle = longest < kSettle;
      const std::uint64_t begin = tick + request_.tick_phase + (settle ? kSettle : 0);
      while (tick != 0 && Clock::now() < begin) {
        if (!settle) continue;
        operation();
        if (wrong = check(); wrong) return fail(std::string(wrong) + " (in the warm-up)");
      }
      const long switches_before = switches_so_far();
      const std::uint64_t start = Clock::template marked_now<kMarkBegin>();
#ifdef NSLAB_TIMED
      if (too_short) wrong = time_batches(operation, check);
      for (std::uint64_t i = 0; !too_short && i < request_.iterations; ++i) {
#else
      for (std::uint64_t i = 0; i < request_.iterations; ++i) {
#endif
        const std::uint64_t before = Clock::template marked_now<kMarkOpen>();
        operation();
        const std::uint64_t after = Clock::template marked_now<kMarkClose>();
        costs_[i] = after - before;
        if (wrong = check(); wrong) break;
      }
      involuntary_switches_ = switches_so_far() - switches_before;
      tick_phase_ = tick == 0 ? -1 : static_cast<std::int64_t>(start - begin + request_.tick_phase);
      measured_ = true;
      if (wrong) return fail(wrong);
    }
  }

#ifdef NSLAB_TIMED
  /// Times an operation that hardly lasts a step of the clock, many in a row as one repetition. One reading of the
  /// clock goes with each, as it does with an operation that is timed by itself. What remains of the division goes to
  /// the next repetition, so that the sum is exact. Only the last of a row is checked: what is so
  /// short makes no system call.
  template <class Operation, class Check>
  const char* time_batches(Operation& operation, Check& check) {
    constexpr std::uint64_t kBatch = 64;
    std::uint64_t rest = 0;
    for (std::uint64_t i = 0; i < request_.iterations; ++i) {
      const std::uint64_t before = timed::GuestClock::now();
      std::uint64_t last = before;
      for (std::uint64_t done = 0; done < kBatch; ++done) {
        operation();
        last = timed::GuestClock::now();
      }
      rest += last - before;
      costs_[i] = rest / kBatch;
      rest %= kBatch;
      if (const char* const wrong = check()) return wrong;
    }
    note("batch", kBatch);
    return nullptr;
  }

  /// As many repetitions again, untimed: what the machine and the kernel count of them, the checks among it.
  template <class Operation, class Check>
  void count(Operation& operation, Check& check) {
    const timed::Counters counters;
    if (!counters.error().empty()) return fail(counters.error());
    const char* wrong = nullptr;
    counters.start();
    for (std::uint64_t i = 0; i < request_.iterations && wrong == nullptr; ++i) {
      operation();
      wrong = check();
    }
    counters.stop();
    if (wrong != nullptr) return fail(std::string(wrong) + " (in the pass that counts events)");
    note("counted_operations", request_.iterations);
    for (const auto& [name, value] : counters.read()) note(name, value);
  }
  std::vector<std::pair<std::string, std::uint64_t>> notes_;
#endif

  const Request& request_;
  std::uint64_t* const costs_;
  benchmark::State& state_;
  std::optional<Refusal> refusal_;
  bool measured_ = false;
  std::int64_t tick_phase_ = -1;
  long involuntary_switches_ = 0;
};

/// A file that a benchmark needs in the guest. An absolute path is the same on the host, where `package` (Debian's) has
/// it; any other is one of this project's own, below /opt/nslab in the guest. Programs bring their shared libraries.
struct File {
  const char* path;
  const char* package;
};

/// A benchmark as NSLAB_BENCHMARK registers it.
struct Benchmark {
  const char* name;
  const char* family;
  const char* description;  ///< one line: what it exercises in the kernel
  std::uint64_t iterations;
  std::uint64_t warmup;
  void (*run)(Measurement& measurement);
  std::vector<File> files = {};
  Point point = {};
  std::uint64_t memory_mib = 0;  ///< of the guest's, beyond what any benchmark needs
#ifdef NSLAB_TIMED
  unsigned vcpus = 0;  ///< that it keeps busy at once; 0: it is one of those that both meters have
#endif
};

/// All of them, sorted by name.
const std::vector<Benchmark>& benchmarks();

struct Registration {
  explicit Registration(const Benchmark& benchmark);
};

}  // namespace nslab::micro

/// Behind the warm-up's repetitions: the files that it needs, if any.
#define NSLAB_BENCHMARK(name, family, description, iterations, warmup, ...)                                      \
  static void name##_benchmark(nslab::micro::Measurement& measurement);                                          \
  static const nslab::micro::Registration name##_registration(                                                   \
      nslab::micro::Benchmark{#name, family, description, iterations, warmup, name##_benchmark, {__VA_ARGS__}}); \
  static void name##_benchmark(nslab::micro::Measurement& measurement)
