// SPDX-License-Identifier: GPL-2.0
//
// Contended operations: each done by one worker a vCPU, in one pid namespace or in several. A benchmark for each
// operation, placement and number of vCPUs, made from the tables at the end.
//
// A repetition is a round. The workers leave a barrier together, and each repeats the operation until the round's
// window is over. From its count n and its own time t, the round's throughput is the sum of n / t over the workers, and
// its cost is the inverse: nanoseconds per operation of all workers together.
#include "smp.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../micro/micro.h"
#include "../micro/operations.h"
#include "../micro/processes.h"
#include "counters.h"
#include "guest_clock.h"
#include "nest.h"

extern char** environ;

namespace nslab::timed {

namespace {

using micro::Benchmark;
using micro::check_child;
using micro::Descriptor;
using micro::kChildStatus;
using micro::Measurement;
using micro::Registration;

constexpr std::uint64_t kWindow = 5'000'000;  ///< ns of a round; a fork takes a hundredth of it
constexpr std::uint64_t kRounds = 100;
constexpr std::uint64_t kWarmup = 20;

// ---- Operations ----------------------------------------------------------------------------------------------------

/// One worker's operations. Each is checked when it is done: nullptr, or what is wrong.
class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;
  virtual const char* once() = 0;
};

class Fork : public Operation {
 public:
  const char* once() override {
    const pid_t child = fork();
    if (child == 0) _exit(kChildStatus);
    int status = -1;
    const pid_t reaped = waitpid(child, &status, 0);
    return check_child(child, reaped, status, self_);
  }

 private:
  pid_t self_ = getpid();
};

class Vfork : public Operation {
 public:
  const char* once() override {
    const pid_t child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is measured
    if (child == 0) _exit(kChildStatus);
    int status = -1;
    const pid_t reaped = waitpid(child, &status, 0);
    return check_child(child, reaped, status, self_);
  }

 private:
  pid_t self_ = getpid();
};

void* tell(void* ran) {
  *static_cast<bool*>(ran) = true;
  return ran;
}

class Thread : public Operation {
 public:
  Thread() {
    // The C library keeps stacks of this size for the next thread.
    constexpr std::size_t kStackBytes = std::size_t{256} << 10;
    pthread_attr_init(&attributes_);
    pthread_attr_setstacksize(&attributes_, kStackBytes);
  }
  ~Thread() override { pthread_attr_destroy(&attributes_); }
  const char* once() override {
    bool ran = false;
    pthread_t thread = {};
    if (pthread_create(&thread, &attributes_, tell, &ran) != 0) return "no thread was created";
    void* returned = nullptr;
    if (pthread_join(thread, &returned) != 0 || returned != &ran) return "the thread was not joined";
    return ran ? nullptr : "the thread did not run";
  }

 private:
  pthread_attr_t attributes_ = {};
};

/// The pid that this process's /proc shows for it.
long own_pid() {
  char text[16] = {};
  const ssize_t size = readlink("/proc/self", text, sizeof text);
  return size > 0 ? micro::leading_number({text, static_cast<std::size_t>(size)}) : -1;
}

class Getpid : public Operation {
 public:
  const char* once() override { return syscall(SYS_getpid) == self_ ? nullptr : "getpid() is not what /proc says"; }

 private:
  long self_ = own_pid();
};

class Kill : public Operation {
 public:
  const char* once() override { return syscall(SYS_kill, self_, 0) == 0 ? nullptr : "kill() of oneself failed"; }

 private:
  long self_ = own_pid();
};

class Pidfd : public Operation {
 public:
  const char* once() override {
    const long pidfd = syscall(SYS_pidfd_open, self_, 0);
    if (pidfd < 0) return "pidfd_open() failed";
    return syscall(SYS_close, pidfd) == 0 ? nullptr : "the pidfd could not be closed";
  }

 private:
  long self_ = own_pid();
};

class Readdir : public Operation {
 public:
  const char* once() override {
    const long file = syscall(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
    if (file < 0) return "/proc could not be opened";
    std::size_t bytes = 0;
    long got = -1;
    while ((got = syscall(SYS_getdents64, file, entries_.data() + bytes, entries_.size() - bytes)) > 0) {
      bytes += static_cast<std::size_t>(got);
    }
    if (syscall(SYS_close, file) != 0 || got != 0) return "/proc could not be read to its end";
    return micro::lists_all(entries_.data(), bytes, self_) ? nullptr : "/proc does not list its reader";
  }

 private:
  std::vector<char> entries_ = std::vector<char>(std::size_t{64} << 10);
  micro::Pids self_ = micro::Pids(1, static_cast<pid_t>(own_pid()));
};

template <class Kind>
std::unique_ptr<Operation> make() {
  return std::make_unique<Kind>();
}

struct OperationKind {
  const char* name;
  const char* description;
  std::unique_ptr<Operation> (*make)();
  std::uint64_t between_looks;  ///< operations between two looks at the clock, which should cost little beside them
  bool threads = false;         ///< the workers are threads of one process
};

constexpr OperationKind kOperations[] = {
    {"fork", "fork, _exit, waitpid", make<Fork>, 1},
    {"vfork", "vfork, _exit, waitpid", make<Vfork>, 1},
    {"thread", "pthread_create, pthread_join", make<Thread>, 1},
    {"thread_shared", "pthread_create, pthread_join by threads of one process", make<Thread>, 1, true},
    {"getpid", "getpid(2)", make<Getpid>, 64},
    {"kill", "kill(2) of oneself, signal 0", make<Kill>, 32},
    {"pidfd", "pidfd_open(2) of oneself, close", make<Pidfd>, 16},
    {"readdir", "open, getdents64 to the end, close of /proc", make<Readdir>, 1},
};

enum class Placement { same, sibling, nested };

// ---- What coordinator and workers share ----------------------------------------------------------------------------

enum Phase : std::uint32_t { kPreparing, kWarmingUp, kMeasuring, kCounting, kEnding };

constexpr std::size_t kMostCounters = 16;
constexpr std::size_t kNameBytes = 32;

struct NamedCount {
  char name[kNameBytes];
  std::uint64_t value;
};

struct RoundOfWorker {
  std::uint64_t operations;
  std::uint64_t nanoseconds;
};

/// What one worker says, on cache lines of its own.
struct alignas(128) WorkerResult {
  std::uint64_t involuntary_switches;
  std::uint64_t counted_operations;
  NamedCount counts[kMostCounters];
};

struct Shared {
  // From the coordinator, before anybody else looks.
  unsigned workers;
  unsigned operation;  ///< of kOperations
  Placement placement;
  std::uint64_t rounds;
  std::uint64_t warmup;
  std::uint64_t counter_hertz;

  std::atomic<std::uint32_t> started;  ///< workers that have a number
  std::atomic<std::uint32_t> phase;    ///< futex: workers wait for it
  std::atomic<std::uint32_t> done;     ///< futex: workers that are done with the phase
  std::atomic<std::uint32_t> failed;
  char message[256];

  alignas(128) std::atomic<std::uint32_t> arrived;  ///< at the barrier
  alignas(128) std::atomic<std::uint32_t> round;    ///< how often the barrier has opened

  WorkerResult results[1];  ///< one a worker; behind them the rounds of each

  RoundOfWorker* rounds_of(unsigned worker) {
    return reinterpret_cast<RoundOfWorker*>(&results[workers]) + worker * rounds;
  }
  static std::size_t bytes(unsigned workers, std::uint64_t rounds) {
    return sizeof(Shared) + workers * (sizeof(WorkerResult) + rounds * sizeof(RoundOfWorker));
  }
};

/// False: it timed out.
bool wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value, int seconds) {
  const timespec limit = {seconds, 0};
  return syscall(SYS_futex, &word, FUTEX_WAIT, value, &limit, nullptr, 0) == 0 || errno != ETIMEDOUT;
}

void wake_all(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
}

// ---- The worker ----------------------------------------------------------------------------------------------------

class Worker {
 public:
  Worker(Shared& shared, unsigned number)
      : shared_(shared),
        number_(number),
        kind_(kOperations[shared.operation]),
        operation_(kind_.make()),
        result_(shared.results[number]) {}

  void run() {
    pin();
    finish_phase();
    wait_for(kWarmingUp);
    for (std::uint64_t i = 0; i < shared_.warmup; ++i) one_round();
    finish_phase();
    wait_for(kMeasuring);
    // The others have slept as well, and the caches have been used by somebody else.
    for (std::uint64_t i = 0; i < shared_.warmup; ++i) one_round();
    const long before = switches();
    RoundOfWorker* const rounds = shared_.rounds_of(number_);
    for (std::uint64_t i = 0; i < shared_.rounds; ++i) rounds[i] = one_round();
    result_.involuntary_switches = static_cast<std::uint64_t>(switches() - before);
    finish_phase();
    wait_for(kCounting);
    count();
    finish_phase();
    wait_for(kEnding);
  }

  [[noreturn]] void fail(const std::string& message) {
    if (shared_.failed.exchange(1) == 0) {
      message.copy(shared_.message, sizeof shared_.message - 1);
      shared_.failed = 2;
    }
    wake_all(shared_.done);
    _exit(1);
  }

 private:
  static long switches() {
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
  }

  /// To the CPU of its number, among those that it may use. What it starts stays there as well.
  void pin() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) fail(micro::with_errno("cannot see the CPUs"));
    unsigned seen = 0;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed) || seen++ != number_) continue;
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(cpu, &own);
      if (sched_setaffinity(0, sizeof own, &own) != 0) fail(micro::with_errno("cannot pin a worker to its CPU"));
      return;
    }
    fail("there are " + std::to_string(seen) + " CPUs for " + std::to_string(shared_.workers) + " workers");
  }

  void finish_phase() {
    ++shared_.done;
    wake_all(shared_.done);
  }
  void wait_for(Phase phase) {
    for (std::uint32_t now = shared_.phase; now < phase; now = shared_.phase) wait_while(shared_.phase, now, 1);
    if (shared_.failed != 0) _exit(1);
  }

  /// Opens when all are there. They spin: a worker that had to be woken would start late.
  void meet() {
    const std::uint32_t round = shared_.round;
    if (++shared_.arrived == shared_.workers) {
      shared_.arrived = 0;
      ++shared_.round;
      return;
    }
    while (shared_.round == round) {
      __builtin_ia32_pause();
      if (shared_.failed != 0) _exit(1);
    }
  }

  RoundOfWorker repeat_for(std::uint64_t window) {
    RoundOfWorker all = {};
    const std::uint64_t start = GuestClock::now();
    do {
      for (std::uint64_t i = 0; i < kind_.between_looks; ++i) {
        if (const char* const wrong = operation_->once()) fail(wrong);
      }
      all.operations += kind_.between_looks;
      all.nanoseconds = GuestClock::now() - start;
    } while (all.nanoseconds < window);
    return all;
  }
  RoundOfWorker one_round() {
    meet();
    return repeat_for(kWindow);
  }

  /// All rounds as one, so that hardly any waiting is counted. The counters come late, as a fork copies them.
  void count() {
    const Counters counters;
    if (!counters.error().empty()) fail(counters.error());
    meet();
    counters.start();
    result_.counted_operations = repeat_for(kWindow * shared_.rounds).operations;
    counters.stop();
    std::size_t at = 0;
    for (const auto& [name, value] : counters.read()) {
      if (at == kMostCounters) break;
      name.copy(result_.counts[at].name, kNameBytes - 1);
      result_.counts[at++].value = value;
    }
  }

  Shared& shared_;
  const unsigned number_;
  const OperationKind& kind_;
  const std::unique_ptr<Operation> operation_;
  WorkerResult& result_;
};

Shared* map_shared(int memory, std::size_t bytes) {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memory, 0);
  return at == MAP_FAILED ? nullptr : static_cast<Shared*>(at);
}

/// Starts a worker's process, `depth` pid namespaces below this one.
guest::NestedProcess start_worker(int memory, int depth) {
  guest::NestedCommand command;
  command.depth = depth;
  command.program = "/proc/self/exe";
  command.arguments = {"micro", kSmpWorker};
  for (char** variable = environ; *variable != nullptr; ++variable) command.environment.emplace_back(*variable);
  command.descriptors = {{0, 0}, {1, 1}, {2, 2}, {memory, kSmpDescriptor}};
  return start_nested(command);
}

// ---- The coordinator -----------------------------------------------------------------------------------------------

/// The workers of a benchmark. They end with it.
class Team {
 public:
  Team(unsigned operation, Placement placement, unsigned workers, const Measurement& measurement)
      : memory_(memfd_create("smp", MFD_CLOEXEC)), bytes_(Shared::bytes(workers, measurement.iterations())) {
    if (!memory_ || ftruncate(memory_.get(), static_cast<off_t>(bytes_)) != 0) return;
    shared_ = map_shared(memory_.get(), bytes_);
    if (shared_ == nullptr) return;
    shared_->workers = workers;
    shared_->operation = operation;
    shared_->placement = placement;
    shared_->rounds = measurement.iterations();
    shared_->warmup = measurement.warmup();
    shared_->counter_hertz = GuestClock::counter_in_use();
    const bool one_starts_all = kOperations[operation].threads || placement == Placement::nested;
    for (unsigned i = 0; i < (one_starts_all ? 1 : workers); ++i) {
      processes_.push_back(start_worker(memory_.get(), placement == Placement::same ? 0 : 1));
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    if (shared_ == nullptr) return;
    if (shared_->phase != kEnding) shared_->failed = 1;
    begin(kEnding);
    for (guest::NestedProcess& process : processes_) process.wait();
    munmap(shared_, bytes_);
  }

  Shared* shared() const { return shared_; }

  void begin(Phase phase) {
    shared_->phase = phase;
    wake_all(shared_->phase);
  }

  /// Waits until all workers are done with the phase. Empty, or what is wrong.
  std::string finish_phase() {
    constexpr int kPatience = 20;  // seconds without any news
    ++finished_;
    const std::uint32_t wanted = finished_ * shared_->workers;
    for (std::uint32_t done = shared_->done; done != wanted && shared_->failed == 0; done = shared_->done) {
      if (!wait_while(shared_->done, done, kPatience) && shared_->done == done) {
        return std::to_string(wanted - done) + " of " + std::to_string(shared_->workers) +
               " workers were not heard of for " + std::to_string(kPatience) + " s";
      }
    }
    if (shared_->failed != 0) {
      while (shared_->failed == 1) sched_yield();  // the message is on its way
      return shared_->message;
    }
    return "";
  }

 private:
  Descriptor memory_;
  const std::size_t bytes_;
  Shared* shared_ = nullptr;
  std::vector<guest::NestedProcess> processes_;
  std::uint32_t finished_ = 0;
};

/// Each round's nanoseconds per operation of all workers together. What is rounded off goes to the next round, so that
/// the sum is right.
std::vector<std::uint64_t> costs_of(Shared& shared) {
  std::vector<std::uint64_t> costs;
  double rest = 0;
  for (std::uint64_t round = 0; round < shared.rounds; ++round) {
    double throughput = 0;
    for (unsigned worker = 0; worker < shared.workers; ++worker) {
      const RoundOfWorker& own = shared.rounds_of(worker)[round];
      throughput += static_cast<double>(own.operations) / static_cast<double>(own.nanoseconds);
    }
    rest += 1 / throughput;
    costs.push_back(static_cast<std::uint64_t>(rest));
    rest -= static_cast<double>(costs.back());
  }
  return costs;
}

/// What the workers counted, added up; a counter that one of them lacks is left out.
void note_counts(Shared& shared, Measurement& measurement) {
  std::uint64_t operations = 0;
  for (unsigned worker = 0; worker < shared.workers; ++worker) {
    operations += shared.results[worker].counted_operations;
  }
  measurement.note("counted_operations", operations);
  for (const NamedCount& first : shared.results[0].counts) {
    const std::string name = first.name;
    if (name.empty()) break;
    const bool is_share = name == "counter_share";
    std::uint64_t all = first.value;
    unsigned workers = 1;
    for (unsigned worker = 1; worker < shared.workers; ++worker) {
      for (const NamedCount& other : shared.results[worker].counts) {
        if (name != other.name) continue;
        all = is_share ? std::min(all, other.value) : all + other.value;
        ++workers;
      }
    }
    if (workers == shared.workers) measurement.note(name, all);
  }
}

void measure(Measurement& measurement, unsigned operation, Placement placement, unsigned workers) {
  if (placement != Placement::same) {
    const int levels = placement == Placement::nested ? static_cast<int>(workers) : 1;
    guest::NestedCommand nothing;
    nothing.depth = levels;
    const guest::NestResult tried = run_nested(nothing);
    if (tried.kind == guest::NestResult::Kind::refused) {
      return measurement.refuse(tried.error, measurement.depth() + tried.level);
    }
    if (tried.kind == guest::NestResult::Kind::failed) {
      return measurement.fail("cannot " + tried.step + ": " + std::strerror(tried.error));
    }
  }
  Team team(operation, placement, workers, measurement);
  if (team.shared() == nullptr) return measurement.fail(micro::with_errno("no memory for the workers to share"));
  std::string wrong = team.finish_phase();
  std::uint64_t steal = 0;
  std::uint64_t stolen = 0;
  for (const Phase phase : {kWarmingUp, kMeasuring, kCounting}) {
    if (!wrong.empty()) return measurement.fail(wrong);
    if (phase == kMeasuring) {
      micro::level_slabs();
      steal = steal_ticks();
    }
    team.begin(phase);
    wrong = team.finish_phase();
    if (phase == kMeasuring) stolen = steal_ticks() - steal;
  }
  if (!wrong.empty()) return measurement.fail(wrong);
  team.begin(kEnding);

  Shared& shared = *team.shared();
  std::uint64_t switches = 0;
  std::uint64_t all = 0;
  for (unsigned worker = 0; worker < workers; ++worker) {
    switches += shared.results[worker].involuntary_switches;
    std::uint64_t own = 0;
    for (std::uint64_t round = 0; round < shared.rounds; ++round) own += shared.rounds_of(worker)[round].operations;
    measurement.note("worker_" + std::to_string(worker + 1) + "_operations", own);
    all += own;
  }
  measurement.note("operations", all);
  measurement.note("steal_ticks", stolen);
  measurement.note("clock_step_ns", GuestClock::step());
  note_counts(shared, measurement);
  measurement.take(costs_of(shared), static_cast<long>(switches));
}

// ---- The benchmarks ------------------------------------------------------------------------------------------------

struct PlacementKind {
  Placement placement;
  const char* name;
  const char* description;
};
constexpr PlacementKind kPlacements[] = {
    {Placement::same, "same", "all in the benchmark's own pid namespace"},
    {Placement::sibling, "sibling", "each in a pid namespace of its own below the benchmark's, side by side"},
    {Placement::nested, "nested", "each in a pid namespace below the one before, the first below the benchmark's"},
};
constexpr unsigned kVcpus[] = {1, 2, 3, 4, 6, 8, 12, 16};

/// Texts for as long as the program runs.
const char* keep(std::string text) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(text)).c_str();
}

/// A function for each combination, as a benchmark is a plain function.
template <std::size_t operation, std::size_t placement, std::size_t vcpus>
void run(Measurement& measurement) {
  measure(measurement, operation, kPlacements[placement].placement, kVcpus[vcpus]);
}

template <std::size_t number>
void add() {
  constexpr std::size_t operation = number / (std::size(kVcpus) * std::size(kPlacements));
  constexpr std::size_t placement = number / std::size(kVcpus) % std::size(kPlacements);
  constexpr std::size_t size = number % std::size(kVcpus);
  const OperationKind& kind = kOperations[operation];
  const PlacementKind& where = kPlacements[placement];
  if (kind.threads && where.placement != Placement::same) return;
  const std::string series = std::string(kind.name) + "_" + where.name;
  const unsigned vcpus = kVcpus[size];
  Registration(Benchmark{
      .name = keep("smp_" + series + "_" + std::to_string(vcpus)),
      .family = "smp",
      .description = keep(std::string(kind.description) + "; " + std::to_string(vcpus) +
                          (vcpus == 1 ? " worker on a vCPU, " : " workers on a vCPU each, ") + where.description),
      .iterations = kRounds,
      .warmup = kWarmup,
      .run = run<operation, placement, size>,
      .point = {keep(series), "vCPUs", vcpus},
      .vcpus = vcpus,
  });
}

template <std::size_t... numbers>
bool add_all(std::index_sequence<numbers...>) {
  (add<numbers>(), ...);
  return true;
}
const bool added =
    add_all(std::make_index_sequence<std::size(kOperations) * std::size(kPlacements) * std::size(kVcpus)>());

}  // namespace

void work_on_vcpu() {
  // First the head alone: it says how much there is.
  Shared* const head = map_shared(kSmpDescriptor, sizeof(Shared));
  if (head == nullptr) _exit(1);
  Shared& shared = *map_shared(kSmpDescriptor, Shared::bytes(head->workers, head->rounds));
  GuestClock::use_counter(shared.counter_hertz);
  const unsigned number = shared.started++;
  if (kOperations[shared.operation].threads) {
    std::vector<std::thread> threads;
    for (unsigned other = 1; other < shared.workers; ++other) {
      threads.emplace_back([&shared, other] { Worker(shared, other).run(); });
    }
    Worker(shared, 0).run();
    for (std::thread& thread : threads) thread.join();
    _exit(0);
  }
  std::vector<guest::NestedProcess> below;
  if (shared.placement == Placement::nested && number + 1 < shared.workers) {
    below.push_back(start_worker(kSmpDescriptor, 1));
  }
  Worker(shared, number).run();
  for (guest::NestedProcess& process : below) process.wait();
  _exit(0);
}

}  // namespace nslab::timed
