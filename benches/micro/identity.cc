// SPDX-License-Identifier: GPL-2.0
//
// Who am I: the calls that read a pid and translate it for the caller's namespace. The shortest way through the models'
// code, and the one the 2007 mails measured. All by syscall(): the C library may remember an answer.
#include <sys/syscall.h>
#include <unistd.h>

#include "micro.h"
#include "processes.h"

namespace {

using nslab::micro::Child;
using nslab::micro::Measurement;
using nslab::micro::with_errno;

/// A session and a process group of the worker's own: those it was born into belong to an outer namespace, where there
/// is one, and read 0. Its pid, or -1 after fail().
long lead_session(Measurement& measurement) {
  const pid_t session = setsid();
  if (session < 0) measurement.fail(with_errno("cannot make a session"));
  return session;
}

}  // namespace

NSLAB_BENCHMARK(empty_identity, "identity", "nothing, as the others of this family do it: no kernel function", 2000,
                200) {
  measurement.repeat_call(0, "nothing is not nothing", [] { return 0L; });
}

NSLAB_BENCHMARK(getpid, "identity", "getpid(2): task_tgid_vnr(), __task_pid_nr_ns(), pid_nr_ns()", 2000, 200) {
  measurement.repeat_call(measurement.identity.pid, "getpid() is not what /proc says",
                          [] { return syscall(SYS_getpid); });
}

NSLAB_BENCHMARK(gettid, "identity", "gettid(2): task_pid_vnr(), __task_pid_nr_ns(), pid_nr_ns()", 2000, 200) {
  measurement.repeat_call(measurement.identity.pid, "gettid() of the first thread is not the pid of /proc",
                          [] { return syscall(SYS_gettid); });
}

NSLAB_BENCHMARK(getppid, "identity", "getppid(2): task_tgid_vnr() of real_parent under RCU", 2000, 200) {
  measurement.repeat_call(measurement.identity.parent, "getppid() is not what /proc says",
                          [] { return syscall(SYS_getppid); });
}

NSLAB_BENCHMARK(getpgid_self, "identity", "getpgid(2) of 0: do_getpgid(), task_pgrp(), pid_vnr()", 2000, 200) {
  const long session = lead_session(measurement);
  if (session < 0) return;
  measurement.repeat_call(session, "getpgid(0) is not the group that setsid() made",
                          [] { return syscall(SYS_getpgid, 0); });
}

NSLAB_BENCHMARK(getpgid_child, "identity",
                "getpgid(2) of a child: do_getpgid(), find_task_by_vpid(), task_pgrp(), pid_vnr()", 2000, 200) {
  const Child child([] { return setpgid(0, 0) == 0; });
  if (!child) return measurement.fail("cannot make a child with a process group of its own");
  measurement.repeat_call(child.pid(), "getpgid() of the child is not the child's pid",
                          [pid = child.pid()] { return syscall(SYS_getpgid, pid); });
}

NSLAB_BENCHMARK(getpgrp, "identity", "getpgrp(2): do_getpgid(), task_pgrp(), pid_vnr()", 2000, 200) {
  const long session = lead_session(measurement);
  if (session < 0) return;
  measurement.repeat_call(session, "getpgrp() is not the group that setsid() made",
                          [] { return syscall(SYS_getpgrp); });
}

NSLAB_BENCHMARK(getsid, "identity", "getsid(2) of 0: task_session(), pid_vnr()", 2000, 200) {
  const long session = lead_session(measurement);
  if (session < 0) return;
  measurement.repeat_call(session, "getsid(0) is not what setsid() said", [] { return syscall(SYS_getsid, 0); });
}

NSLAB_BENCHMARK(getuid, "identity", "getuid(2): from_kuid_munged(); touches no pid, the control of the others", 2000,
                200) {
  measurement.repeat_call(measurement.identity.user, "getuid() is not what /proc says",
                          [] { return syscall(SYS_getuid); });
}
