// SPDX-License-Identifier: GPL-2.0
//
// Who am I: the calls that read a pid and translate it for the caller's namespace. The shortest way through the models'
// code, and the one the 2007 mails measured. All by syscall(): the C library may remember an answer.
#include <sys/syscall.h>
#include <unistd.h>

#include "micro.h"

NSLAB_BENCHMARK(getpid, "identity", "getpid(2): task_tgid_vnr(), __task_pid_nr_ns(), pid_nr_ns()", 2000, 200) {
  long seen = 0;
  const long pid = measurement.identity.pid;
  measurement.repeat([&] { seen = syscall(SYS_getpid); },
                     [&] { return seen == pid ? nullptr : "getpid() is not what /proc says"; });
}

NSLAB_BENCHMARK(gettid, "identity", "gettid(2): task_pid_vnr(), __task_pid_nr_ns(), pid_nr_ns()", 2000, 200) {
  long seen = 0;
  const long pid = measurement.identity.pid;
  measurement.repeat([&] { seen = syscall(SYS_gettid); },
                     [&] { return seen == pid ? nullptr : "gettid() of the first thread is not the pid of /proc"; });
}

NSLAB_BENCHMARK(getppid, "identity", "getppid(2): task_tgid_vnr() of real_parent under RCU", 2000, 200) {
  long seen = 0;
  const long parent = measurement.identity.parent;
  measurement.repeat([&] { seen = syscall(SYS_getppid); },
                     [&] { return seen == parent ? nullptr : "getppid() is not what /proc says"; });
}

NSLAB_BENCHMARK(getuid, "identity", "getuid(2): from_kuid_munged(); touches no pid, the control of the others", 2000,
                200) {
  long seen = -1;
  const long user = measurement.identity.user;
  measurement.repeat([&] { seen = syscall(SYS_getuid); },
                     [&] { return seen == user ? nullptr : "getuid() is not what /proc says"; });
}
