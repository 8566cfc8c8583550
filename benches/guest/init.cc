// SPDX-License-Identifier: GPL-2.0
//
// PID 1 of the guest: brings it up, waits until it is quiet, reads the plan, measures its cells and leaves.
// docs/guest-protocol.md says what it reads and writes.
#include <fcntl.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "frame.h"
#include "guest_plan.h"
#include "nest.h"
#include "ports.h"
#include "slabs.h"
#include "window_marks.h"
#include "worker_protocol.h"
#ifdef NSLAB_TIMED  // PID 1 of the time meter's guests
#include "../timed/counters.h"
#include "../timed/guest_clock.h"
#include "../timed/kernel_text.h"
#endif

namespace nslab::guest {
namespace {

using frame::Leave;
using Json = nlohmann::ordered_json;  // keys in the order written: the frames' bytes are the same everywhere

constexpr char kWorker[] = "/bin/micro";

// mmap_base() of arch/x86/mm/mmap.c keeps a gap of RLIMIT_STACK plus 1 MiB of guard below the end of the address space,
// but at least 128 MiB: from here on each page more moves the mmap base by a page.
constexpr rlim_t kStackLimit = rlim_t{160} << 20;
constexpr rlim_t kPageBytes = 4096;

// RCU callbacks and delayed work of the cell before (struct pid, namespaces, mounts, memcg) are done by then. Costs no
// wall time: an idle guest's clock leaps (icount sleep=off).
constexpr long kSettleNanoseconds = 300'000'000;

__attribute__((format(printf, 1, 2))) void say(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::fputs("nslab init: ", stdout);
  std::vprintf(format, arguments);  // NOLINT(clang-analyzer-valist.Uninitialized): va_start() is above
  std::fputc('\n', stdout);
  std::fflush(stdout);
  va_end(arguments);
}

std::uint64_t time_stamp() { return __builtin_ia32_rdtsc(); }

void sleep_for(long nanoseconds) {
  timespec left = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

/// Writes frames, and counts them for the closing one.
class FrameWriter {
 public:
  void send(const std::string& payload) {
    debugcon_write(frame::encode(payload));
    ++sent_;
  }
  void send(const Json& payload) { send(payload.dump()); }
  int sent() const { return sent_; }

 private:
  int sent_ = 0;
};

[[noreturn]] void give_up(const std::string& message) {
  say("%s", message.c_str());
  FrameWriter().send(Json{{"type", "fault"}, {"message", message}});
  leave(Leave::fault);
}

std::string with_errno(const std::string& what) { return what + ": " + std::strerror(errno); }

// ---- Readiness -----------------------------------------------------------------------------------------------------

void mount_at(const char* type, const char* path, const char* options, bool needed) {
  mkdir(path, 0755);
  if (mount(type, path, type, MS_NOSUID, options) == 0 || errno == EBUSY || !needed) return;
  give_up(with_errno(std::string("cannot mount ") + type + " at " + path));
}

void open_console() {
  const int console = open("/dev/console", O_RDWR);
  if (console < 0) return;
  for (int descriptor = 0; descriptor <= 2; ++descriptor) dup2(console, descriptor);
  if (console > 2) close(console);
}

std::string read_text(const std::string& path) {
  std::string text;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  char buffer[4096];
  for (ssize_t got; (got = read(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
  close(file);
  return text;
}

/// Writes a kernel setting and reads it back.
void set_kernel(const std::string& path, long value) {
  const std::string wanted = std::to_string(value);
  if (const int error = write_setting(path, wanted); error != 0) {
    give_up("cannot write " + wanted + " to " + path + ": " + std::strerror(error));
  }
  if (const std::string now = read_text(path); now != wanted + "\n") {
    give_up(path + " reads '" + now.substr(0, now.find('\n')) + "' after " + wanted + " was written to it");
  }
}

/// Gives the kernel's random number generator its seed, as firmware or a CPU's RDRAND does on a real machine: the same
/// bytes in every boot. Left alone it gathers one for the first six seconds, and until then works out each number by
/// itself instead of taking it from a batch: a vfork costs 13,000 instructions more.
void seed_random_numbers() {
  // rand_pool_info: bits of entropy, bytes, the bytes.
  const int seed[] = {256, 32, 1, 2, 3, 4, 5, 6, 7, 8};
  const int random = open("/dev/random", O_WRONLY | O_CLOEXEC);
  if (random < 0 || ioctl(random, RNDADDENTROPY, seed) != 0) give_up(with_errno("cannot seed /dev/random"));
  close(random);
  unsigned char byte = 0;
  if (getrandom(&byte, 1, GRND_NONBLOCK) != 1) give_up(with_errno("the kernel has no random numbers when seeded"));
}

long involuntary_switches() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

/// Spins for two timer ticks. Quiet when nobody else was given the CPU, and when nothing, not even interrupts, took it
/// for long (a tick takes some 10,000 instructions, or ns).
bool quiet_window() {
#ifdef NSLAB_TIMED
  // Cycles of the host's counter, some 3 a nanosecond: 8 ms. A gap may be the host's other work, which is no work of
  // the guest's: it is watched from outside, and marks the boot.
  constexpr std::uint64_t kWindow = 24'000'000;
  constexpr std::uint64_t kLongGap = std::numeric_limits<std::uint64_t>::max();
#else
  constexpr std::uint64_t kWindow = 8'000'000;
  constexpr std::uint64_t kLongGap = 100'000;
#endif
  const long before = involuntary_switches();
  const std::uint64_t start = time_stamp();
  std::uint64_t longest = 0;
  for (std::uint64_t last = start; last - start < kWindow;) {
    const std::uint64_t now = time_stamp();
    longest = std::max(longest, now - last);
    last = now;
  }
  return involuntary_switches() == before && longest < kLongGap;
}

/// A guest is busy with itself for a while after PID 1 has started (kernel threads, deferred initialisation). Lets it,
/// then looks until it was left alone three times running. False: it never was. Several CPUs are for tests of races:
/// there the host takes a CPU away at any time, nothing is measured, and nobody looks.
bool wait_until_quiet() {
  constexpr int kQuietNeeded = 3;
  constexpr int kWindows = 100;
  sleep_for(1'500'000'000);
#ifdef NSLAB_TIMED
  // One look would be at one CPU. What the kernel still has to do is spread over all of them, and is soon done.
  if (get_nprocs() > 1) {
    sleep_for(1'500'000'000);
    return true;
  }
#endif
  if (get_nprocs() > 1) return false;
  int quiet = 0;
  for (int window = 0; window < kWindows; ++window) {
    quiet = quiet_window() ? quiet + 1 : 0;
    if (quiet == kQuietNeeded) return true;
    sleep_for(100'000'000);
  }
  return false;
}

/// In this time the host may stop the guest and save it: at any instruction, as a guest does not notice that it is
/// stopped. An idle one would: QEMU skips idle time. The guard plugin holds the guest at its beginning until the host
/// stops it.
constexpr std::uint64_t kStoppable = 200'000'000;  // instructions (ns)

/// Executes nothing for so many instructions (ns), a moment more or less. Long blocks of nothing: TCG translates them
/// to one subtraction from the instruction budget, so that billions of instructions pass in a fraction of a second.
void be_busy(std::uint64_t nanoseconds) {
  const std::uint64_t start = marked_time_stamp<kMarkHold>();
  while (time_stamp() - start < nanoseconds) asm volatile(".rept 480\n\tnop\n\t.endr" ::: "memory");
}

void bring_up() {
  mount_at("devtmpfs", "/dev", "mode=755", true);
  open_console();
  mount_at("proc", "/proc", nullptr, true);
  mount_at("sysfs", "/sys", nullptr, false);
  mount_at("tmpfs", "/tmp", "mode=1777", false);
  mount_at("tmpfs", "/run", "mode=755", false);
  mount_at("tmpfs", "/dev/shm", "mode=1777", false);
  mount_at("devpts", "/dev/pts", "mode=620,ptmxmode=666", false);
  mount_at("mqueue", "/dev/mqueue", nullptr, false);
  set_kernel("/proc/sys/kernel/randomize_va_space", 0);
  seed_random_numbers();
}

Plan read_plan() {
  const std::optional<std::string> text = fw_cfg_read("opt/nslab/plan");
  if (!text) {
    say("no plan: QEMU was started without -fw_cfg name=opt/nslab/plan,file=...");
    leave(Leave::no_plan);
  }
  std::variant<Plan, std::string> parsed = parse_plan(*text);
  if (std::holds_alternative<std::string>(parsed)) give_up(std::get<std::string>(parsed));
  return std::get<Plan>(std::move(parsed));
}

#ifdef NSLAB_TIMED
/// What the worker shall read the time by: the frequency of the time-stamp counter, or 0 for the kernel's clock.
std::uint64_t choose_clock() {
  constexpr std::uint64_t kFine = 1000;  // ns; a clock that is asked through a system call may not be much finer
  const std::string source = timed::clocksource();
  // Where KVM vouches for the counter the kernel stays with it. An emulator's may be left for refined-jiffies at any
  // moment: the kernel's watchdog holds it against ticks that come late.
  const bool kvm = read_text("/sys/devices/system/clocksource/clocksource0/available_clocksource").find("kvm-clock") !=
                   std::string::npos;
  if (kvm && (source == "tsc" || source == "kvm-clock")) return 0;
  const std::uint64_t step = timed::GuestClock::step();
  if (source != "tsc" && step <= kFine) return 0;
  const std::uint64_t hertz = timed::counter_hertz();
  if (hertz == 0) {
    give_up("the guest's clock, " + source + ", advances by " + std::to_string(step) +
            " ns at a time, and the time-stamp counter's frequency cannot be found by the real-time clock");
  }
  say("clocksource %s advances by %llu ns: timed by the counter, %llu Hz", source.c_str(),
      static_cast<unsigned long long>(step), static_cast<unsigned long long>(hertz));
  return hertz;
}

std::uint64_t counter_hertz = 0;  // choose_clock()
std::uint64_t kernel_text = 0;    // timed::kernel_text()
#endif

// ---- Cells ---------------------------------------------------------------------------------------------------------

/// Forks and reaps `count` processes.
int make_history(int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    if (waitpid(child, nullptr, 0) != child) return errno;
  }
  return 0;
}

std::string request_for(const Plan& plan, const Cell& cell, pid_t first_resident) {
  return Json{{"benchmark", cell.benchmark},
              {"meter", plan.meter},
              {"depth", cell.depth},
              {"iterations", cell.iterations},
              {"warmup", cell.warmup},
              {"tick_phase", cell.tick_phase},
              {"history", cell.history},
#ifdef NSLAB_TIMED
              {"counter_hertz", counter_hertz},
              {"kernel_text", kernel_text},
#endif
              {"condition",
               {{"residents", plan.condition.residents},
                {"first_resident", cell.depth > 0 ? 2 : first_resident},
                {"container", plan.condition.container}}}}
      .dump();
}

Json cell_head(const Cell& cell) {
  return Json{{"type", "cell"}, {"index", cell.index}, {"benchmark", cell.benchmark}, {"depth", cell.depth}};
}

Json failed(const Cell& cell, const std::string& message) {
  say("cell %llu (%s at depth %d) failed: %s", static_cast<unsigned long long>(cell.index), cell.benchmark.c_str(),
      cell.depth, message.c_str());
  Json json = cell_head(cell);
  json["status"] = "failed";
  json["message"] = message;
  return json;
}

Json errno_name(int error) {
  const char* const name = strerrorname_np(error);
  return name ? Json(name) : Json(std::to_string(error));
}

/// A pipe or the end of the boot.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0) give_up(with_errno("cannot make a pipe"));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_reader();
    close_writer();
  }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { close_end(0); }
  void close_writer() { close_end(1); }

 private:
  void close_end(int end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }
  int ends_[2] = {-1, -1};
};

/// What comes until nobody writes any more; `look` sees it grow.
std::string drain(int descriptor, const std::function<void(const std::string&)>& look = {}) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (look) look(text);
  }
}

// ---- Conditions ----------------------------------------------------------------------------------------------------

constexpr char kCgroup[] = "/sys/fs/cgroup/nslab";

/// A setting of the cell's cgroup; -1: none.
long cgroup_number(const char* name) {
  const std::string text = read_text(std::string(kCgroup) + '/' + name);
  return text.empty() ? -1 : std::strtol(text.c_str(), nullptr, 10);
}

/// Makes the cells' cgroup: memory is charged and processes are counted, and no limit is near.
void make_cgroup() {
  constexpr long kMostProcesses = 4'000'000;
  constexpr long kMostBytes = 1L << 40;
  constexpr char kController[] = "/sys/fs/cgroup/cgroup.subtree_control";
  if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID, nullptr) != 0) {
    give_up(with_errno("condition 'container': cannot mount cgroup2 (CONFIG_CGROUPS)"));
  }
  if (const int error = write_setting(kController, "+memory +pids"); error != 0) {
    give_up(std::string("condition 'container': the kernel has no memory and pids cgroups (CONFIG_MEMCG, "
                        "CONFIG_CGROUP_PIDS): ") +
            std::strerror(error));
  }
  if (mkdir(kCgroup, 0755) != 0) give_up(with_errno("cannot make a cgroup"));
  set_kernel(std::string(kCgroup) + "/pids.max", kMostProcesses);
  set_kernel(std::string(kCgroup) + "/memory.max", kMostBytes);
}

/// A process that ends at once: its id, or -1.
pid_t id_used() {
  const pid_t child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): its id is all that is wanted
  if (child == 0) _exit(0);
  return child > 0 && waitpid(child, nullptr, 0) == child ? child : -1;
}

/// Without PID_NS a kernel has no setting for it, and processes must take the ids below this one: clones that fail
/// behind alloc_pid() for want of a descriptor, and one process at last, whose id tells. 0 or an errno.
int use_ids_below(int next) {
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none = {0, before.rlim_max};
  const pid_t first = id_used();
  if (first < 0 || setrlimit(RLIMIT_NOFILE, &none) != 0) return errno;
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  int error = 0;
  for (int id = first + 1; id < next - 1 && error == 0; ++id) {
    error = syscall(SYS_clone3, &arguments, sizeof arguments) == -1 && errno == EMFILE ? 0 : EPROTO;
  }
  setrlimit(RLIMIT_NOFILE, &before);
  return error == 0 && id_used() < next - 1 ? EPROTO : error;
}

/// Starts the initial namespace's residents: the first one's id, the others' follow. 0: there are none.
pid_t first_of_residents(int count) {
  if (count == 0) return 0;
  const pid_t before = id_used();
  if (before < 0) give_up(with_errno("cannot make a process"));
  if (const int error = start_residents(count); error != 0) {
    errno = error;
    give_up(with_errno("cannot start the residents"));
  }
  return before + 1;
}

/// Brings the plan's condition about, as far as that is left until the warm-up is over: processes that have come by
/// then, the kernel's own among them, have low ids. Empty, or what is wrong.
std::string bring_about(const Plan& plan, const Cell& cell, NestedProcess& process) {
  const Condition& condition = plan.condition;
  if (condition.ids_next > 0) {
    // The seed's history moves the ids here: what was made and reaped before does not show behind so wide a gap.
    const int next = condition.ids_next + cell.history;
    if (const int error = process.move_ids(cell.depth, next); error != 0) {
      return std::string("cannot move the next id of a namespace: ") + std::strerror(error);
    }
    int error = move_next_id(next);
    if (error == ENOENT) error = use_ids_below(next);
    if (error != 0) return std::string("cannot move the next id: ") + std::strerror(error);
  }
  if (condition.container) {
    // The launcher, each level's pid 1 with its residents, the worker, and what its benchmark has made.
    const long least = 2 + static_cast<long>(cell.depth) * (1 + condition.residents);
    if (cgroup_number("pids.current") < least || cgroup_number("memory.current") <= 0) {
      return "the cgroup has " + std::to_string(cgroup_number("pids.current")) + " processes and " +
             std::to_string(cgroup_number("memory.current")) + " bytes, expected are " + std::to_string(least) +
             " processes or more, and memory that is charged";
    }
  }
  return "";
}

// --------------------------------------------------------------------------------------------------------------------

/// One cell's frame. `proc` is this namespace's /proc, through which the worker sees its pids at all levels.
Json measure(const Plan& plan, const Cell& cell, pid_t first_resident, int null, int proc) {
  Pipe request;
  Pipe result;
  const std::string text =
      request_for(plan, cell, first_resident) + '\n';  // well below a pipe's capacity, so that writing cannot block
  if (write(request.writer(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return failed(cell, with_errno("cannot write the request"));
  }

  NestedCommand command;
  command.depth = cell.depth;
  command.prepare = [&cell] { return make_history(cell.history); };
  command.program = kWorker;
  // Never the cell's data: its length would move the worker's stack.
  command.arguments = {"micro"};
  command.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                         "NSLAB_PAD=" + std::string(static_cast<std::size_t>(plan.environment_bytes), 'x')};
  command.descriptors = {{null, 0},
                         {STDOUT_FILENO, 1},
                         {STDERR_FILENO, 2},
                         {request.reader(), kRequestDescriptor},
                         {result.writer(), kResultDescriptor},
                         {proc, kProcDescriptor}};
  command.stack_limit = kStackLimit + static_cast<rlim_t>(plan.mmap_pages) * kPageBytes;
  command.residents = plan.condition.residents;
  if (plan.condition.container) command.cgroup = kCgroup;
  command.move_ids = plan.condition.ids_next > 0;

  NestedProcess process = start_nested(command);
  request.close_reader();
  result.close_writer();
  // A worker that is gone has said why, or its end does.
  const auto done = [&](std::string_view what) {
    [[maybe_unused]] const ssize_t written = write(request.writer(), what.data(), what.size());
  };
  std::optional<std::string> hindrance;
  std::optional<int> slab;
  std::string answer = drain(result.reader(), [&](const std::string& so_far) {
    if (hindrance || !so_far.starts_with(kLevel)) return;
    hindrance = bring_about(plan, cell, process);
    if (!hindrance->empty()) return done("\n");
    give_mapping_slabs_back();
    sleep_for(kSettleNanoseconds);
    slab = level_mapping_slabs(cell.slab_phase);
    done(kLevel);
  });
  if (slab) answer.erase(0, sizeof kLevel - 1);
  const NestResult ended = process.wait();
  if (hindrance && !hindrance->empty()) return failed(cell, *hindrance);

  switch (ended.kind) {
    case NestResult::Kind::refused: {
      Json json = cell_head(cell);
      json["status"] = "refused";
      json["errno"] = errno_name(ended.error);
      json["level"] = ended.level;
      return json;
    }
    case NestResult::Kind::failed:
      return failed(cell, "cannot " + ended.step + " at level " + std::to_string(ended.level) + ": " +
                              std::strerror(ended.error));
    case NestResult::Kind::ended:
      break;
  }
  if (ended.status > 128) {
    return failed(cell, std::string("the worker was killed by signal ") + std::to_string(ended.status - 128));
  }
  if (slab == kLevellingFailed) return failed(cell, "the slabs of mappings cannot be levelled: no memory?");
  const Json measured = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (ended.status != 0 || !measured.is_object()) {
    return failed(cell, "the worker ended with status " + std::to_string(ended.status) +
                            (answer.empty() ? " and no result" : " and a result that is none"));
  }
  const std::string status = measured.value("status", "");
  if (status != "ok" && status != "refused") {
    return failed(cell, measured.value("message", "the worker gave no reason"));
  }
  Json json = cell_head(cell);
  json.update(measured);
  if (slab && status == "ok") {
    json["layout"]["mapping_slab"] = *slab;
    json["layout"]["ids_next"] = command.move_ids ? plan.condition.ids_next + cell.history : 0;
  }
  return json;
}

/// The plan's own program, for what is no measurement: at depth 0, with all its output in one frame.
std::string run_command(const std::vector<std::string>& words, int null) {
  constexpr std::size_t kMostOutput = 512 << 10;
  Pipe output;
  NestedCommand command;
  command.program = words.front();
  command.arguments = words;
  command.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  command.descriptors = {{null, 0}, {output.writer(), 1}, {output.writer(), 2}};
  NestedProcess process = start_nested(command);
  output.close_writer();
  std::string text = drain(output.reader());
  const NestResult ended = process.wait();
  if (ended.kind != NestResult::Kind::ended) {
    give_up("cannot " + ended.step + " for " + words.front() + ": " + std::strerror(ended.error));
  }
  if (text.size() > kMostOutput) text.resize(kMostOutput);
  // The program may write any bytes; JSON takes UTF-8 only.
  const Json json = {{"type", "command"}, {"status", ended.status}, {"output", text}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// ---- Faults --------------------------------------------------------------------------------------------------------

/// For ever.
[[noreturn]] void spin() {
  for (;;) be_busy(1'000'000'000);
}

/// A kernel crash.
[[noreturn]] void crash_kernel() {
  const int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
  if (trigger < 0 || write(trigger, "c", 1) != 1) give_up(with_errno("fault 'oops': no sysrq (CONFIG_MAGIC_SYSRQ)"));
  give_up("fault 'oops': the kernel outlived it");
}

/// Sends the first cell's frame as the plan's fault wants it. False: as usual.
bool send_first_cell_wrongly(const Plan& plan, const Json& cell, FrameWriter& frames) {
  const std::string payload = cell.dump();
  const auto length = static_cast<std::uint32_t>(payload.size());
  if (plan.fault == "bad-checksum") {
    debugcon_write(frame::header(length, frame::checksum(payload) ^ 1) + payload);
  } else if (plan.fault == "truncated") {
    debugcon_write(frame::encode(payload).substr(0, frame::kHeaderBytes + payload.size() / 2));
    leave(Leave::complete);
  } else if (plan.fault == "oversized") {
    debugcon_write(frame::header(std::uint32_t{1} << 31, frame::checksum(payload)) + payload);
    leave(Leave::complete);
  } else if (plan.fault == "bad-json") {
    frames.send(payload.substr(0, payload.size() / 2));
    return true;
  } else if (plan.fault == "duplicate") {
    frames.send(cell);
    frames.send(cell);
    return true;
  } else if (plan.fault == "failed-cell") {
    frames.send(failed(plan.cells.front(), "the plan asked for it (fault 'failed-cell')"));
    return true;
  } else {
    return false;
  }
  frames.send(payload);  // reached by bad-checksum alone: a good copy behind the bad one must not save the boot
  return true;
}

/// What goes wrong behind the first cell.
void go_wrong_after_first_cell(const Plan& plan) {
  if (plan.fault == "panic") _exit(1);
  if (plan.fault == "oops") crash_kernel();
  if (plan.fault == "hang") {
    watchdog_arm(plan.cells.front().limit_seconds);
    spin();
  }
  if (plan.fault == "slow") {
    watchdog_arm(plan.cells.front().limit_seconds);
    sleep_for((plan.cells.front().limit_seconds - 2) * 1'000'000'000L);
    watchdog_disarm();
  }
  if (plan.fault == "deaf") spin();
  if (plan.fault == "garbage") debugcon_write("these bytes are no frame\n");
  if (plan.fault == "early-exit") leave(Leave::early_exit);
  if (plan.fault == "flood") {
    const std::string rubbish(1 << 16, '?');
    for (;;) debugcon_write(rubbish);
  }
}

// --------------------------------------------------------------------------------------------------------------------

[[noreturn]] void run() {
  bring_up();
  const bool quiet = wait_until_quiet();
  tell_ready();
  be_busy(kStoppable);

  // The same for every boot up to here. From here on, the plan and its seed.
  const Plan plan = read_plan();
  if (!quiet && !plan.cells.empty()) {
    give_up("the guest did not become quiet: in 100 looks at it, something else always took the CPU");
  }
#ifdef NSLAB_TIMED
  if (get_nprocs() != plan.vcpus) {
    give_up("the kernel runs on " + std::to_string(get_nprocs()) + " of the guest's " + std::to_string(plan.vcpus) +
            " vCPUs: it is built without CONFIG_SMP or, as the machine has no ACPI, without CONFIG_X86_MPPARSE");
  }
  counter_hertz = choose_clock();
  kernel_text = timed::kernel_text();
  // The kernel patches its code when the first counter is opened and when the last is closed. QEMU's emulator of
  // several CPUs has been seen to execute what is half patched ("Oops: int3"). Emulated CPUs are known by their clock:
  // there the patches are made once, while nothing else runs.
  std::optional<timed::Counters> kept_open;
  if (counter_hertz != 0 && plan.vcpus > 1) kept_open.emplace(/*of_children=*/false);
#endif
  set_kernel("/proc/sys/kernel/pid_max", plan.pid_max);
  // By itself the kernel's limit on threads follows from the guest's memory: here the numbers alone are the limit.
  set_kernel("/proc/sys/kernel/threads-max", plan.pid_max);
  utsname system = {};
  uname(&system);
  FrameWriter frames;
  frames.send(Json{{"type", "ready"},
                   {"protocol", frame::kProtocol},
                   {"release", system.release},
                   {"instructions", time_stamp()},
                   {"seed", plan.seed}});
  say("ready: Linux %s, %zu cells, seed %llu", system.release, plan.cells.size(),
      static_cast<unsigned long long>(plan.seed));

  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) give_up(with_errno("cannot open /dev/null"));
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) give_up(with_errno("cannot open /proc"));

  if (!plan.command.empty()) frames.send(run_command(plan.command, null));

  if (plan.condition.container) make_cgroup();
  const pid_t first_resident = first_of_residents(plan.condition.residents);

  for (const Cell& cell : plan.cells) {
    // The limit counts from before the settling, which is part of it: an idle guest that nothing wakes ends as well.
    watchdog_arm(cell.limit_seconds);
    sleep_for(kSettleNanoseconds);
    const Json measured = measure(plan, cell, first_resident, null, proc);
    watchdog_disarm();
    const bool first = &cell == &plan.cells.front();
    if (!first || !send_first_cell_wrongly(plan, measured, frames)) frames.send(measured);
    if (first) go_wrong_after_first_cell(plan);
  }

  const int off = plan.fault == "wrong-count" ? 1 : 0;
  if (plan.fault != "no-end") {
    frames.send(Json{{"type", "end"},
                     {"cells", plan.cells.size() + static_cast<std::size_t>(off)},
                     {"frames", frames.sent() + off}});
  }
  say("done");
  leave(Leave::complete);
}

}  // namespace
}  // namespace nslab::guest

int main() {
  if (getpid() != 1) {
    std::fputs("init: this is PID 1 of nslab's guests and does nothing elsewhere; see docs/guest-protocol.md\n",
               stderr);
    return 2;
  }
  try {
    nslab::guest::run();
  } catch (const std::exception& error) {
    nslab::guest::give_up(std::string("a bug: ") + error.what());
  }
}
