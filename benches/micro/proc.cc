// SPDX-License-Identifier: GPL-2.0
//
// Pids as /proc shows them. The paths' and the texts' lengths depend on how many digits a pid has, which is the same
// for all kernels, but not for all depths.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "micro.h"
#include "operations.h"
#include "process_status.h"
#include "processes.h"

namespace {

using nslab::micro::absent_pid;
using nslab::micro::Child;
using nslab::micro::Crowd;
using nslab::micro::leading_number;
using nslab::micro::Measurement;
using nslab::micro::repeat_proc_readdir;
using nslab::micro::status_numbers;
using nslab::micro::with_errno;

/// Times open, read and close of a /proc file; `pid_of` finds in its text the pid that must be `pid`.
template <class PidOf>
void repeat_read(Measurement& measurement, const std::string& path, pid_t pid, PidOf pid_of) {
  std::array<char, 4096> text;
  long file = -1;
  long got = -1;
  long closed = -1;
  measurement.repeat(
      [&] {
        file = syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY);
        got = syscall(SYS_read, file, text.data(), text.size());
        closed = syscall(SYS_close, file);
      },
      [&]() -> const char* {
        if (file < 0) return "the file could not be opened";
        if (got <= 0 || closed != 0) return "the file could not be read and closed";
        const bool good = pid_of(std::string_view(text.data(), static_cast<std::size_t>(got))) == pid;
        got = -1;
        return good ? nullptr : "the file is not about that process";
      });
}

pid_t pid_of_status(std::string_view text) {
  const std::vector<pid_t> pids = status_numbers(text, "Pid");
  return pids.size() == 1 ? pids[0] : -1;
}

std::string proc_path(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

}  // namespace

NSLAB_BENCHMARK(empty_proc, "proc", "nothing, with the child that most of this family have: no kernel function", 2000,
                200) {
  const Child child;
  if (!child) return measurement.fail("cannot make a child");
  measurement.repeat_call(0, "nothing is not nothing", [] { return 0L; });
}

NSLAB_BENCHMARK(proc_self_readlink, "proc", "readlink(2) of /proc/self: proc_self_get_link(), task_tgid_nr_ns()", 2000,
                200) {
  std::array<char, 16> text = {};
  long size = -1;
  const pid_t self = measurement.identity.pid;
  measurement.repeat(
      [&] { size = syscall(SYS_readlink, "/proc/self", text.data(), text.size()); },
      [&] {
        const bool good = size > 0 && leading_number({text.data(), static_cast<std::size_t>(size)}) == self;
        text = {};
        size = -1;
        return good ? nullptr : "/proc/self does not lead to this process";
      });
}

NSLAB_BENCHMARK(proc_self_stat, "proc",
                "open, read, close of /proc/self/stat: proc_self_get_link(), proc_pid_lookup() or pid_revalidate(), "
                "do_task_stat(), task_tgid_nr_ns() and the like",
                500, 100) {
  repeat_read(measurement, "/proc/self/stat", measurement.identity.pid, leading_number);
}

NSLAB_BENCHMARK(proc_pid_stat, "proc",
                "open, read, close of a child's /proc/PID/stat: pid_revalidate(), do_task_stat(), pid_nr_ns()", 500,
                100) {
  const Child child;
  if (!child) return measurement.fail("cannot make a child");
  repeat_read(measurement, proc_path(child.pid(), "stat"), child.pid(), leading_number);
}

NSLAB_BENCHMARK(proc_pid_status, "proc",
                "open, read, close of a child's /proc/PID/status: pid_revalidate(), proc_pid_status(), task_state() "
                "with NStgid, NSpid, NSpgid and NSsid",
                500, 100) {
  const Child child;
  if (!child) return measurement.fail("cannot make a child");
  repeat_read(measurement, proc_path(child.pid(), "status"), child.pid(), pid_of_status);
}

NSLAB_BENCHMARK(proc_readdir_100, "proc",
                "open, getdents64 to the end, close of /proc with 100 children: proc_pid_readdir(), next_tgid(), "
                "find_ge_pid(); at depth 0 kernel threads are listed as well",
                100, 20) {
  const Crowd crowd(100);
  if (!crowd) return measurement.fail("cannot make 100 children");
  repeat_proc_readdir(measurement, crowd.pids());
}

NSLAB_BENCHMARK(proc_absent, "proc",
                "open of /proc/PID of a pid that nobody has, ENOENT: proc_pid_lookup(), find_pid_ns()", 2000, 200) {
  const pid_t absent = absent_pid();
  if (absent < 0) return measurement.fail(with_errno("cannot find a free pid"));
  const std::string path = "/proc/" + std::to_string(absent);
  long result = 0;
  measurement.repeat([&] { result = syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY); },
                     [&] {
                       const bool good = result == -1 && errno == ENOENT;
                       result = 0;
                       return good ? nullptr : "open() of an absent process did not give ENOENT";
                     });
}
