// SPDX-License-Identifier: GPL-2.0
//
// To be born and to die: alloc_pid() and free_pid() within all else that fork, exit and wait do. Each operation ends
// with the child reaped, so that the next finds as many processes as it did.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "micro.h"

namespace {

/// What a child's pid and status should be after it was reaped.
const char* check_child(pid_t child, pid_t reaped, int status, pid_t self) {
  if (child <= 0) return "no child was created";
  if (child == self) return "the child has its parent's pid";
  if (reaped != child) return "another child was reaped";
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) return "the child did not exit with its status";
  return nullptr;
}

void* mark(void* ran) {
  *static_cast<bool*>(ran) = true;
  return ran;
}

}  // namespace

NSLAB_BENCHMARK(fork_exit_wait, "lifecycle",
                "fork, _exit, waitpid: copy_process(), alloc_pid(), do_exit(), release_task(), free_pid()", 200, 100) {
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  const pid_t self = measurement.identity.pid;
  measurement.repeat(
      [&] {
        child = fork();
        if (child == 0) _exit(7);
        reaped = waitpid(child, &status, 0);
      },
      [&] { return check_child(child, reaped, status, self); });
}

NSLAB_BENCHMARK(vfork_exit_wait, "lifecycle",
                "vfork, _exit, waitpid: as fork_exit_wait, without copying the address space", 400, 100) {
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  const pid_t self = measurement.identity.pid;
  measurement.repeat(
      [&] {
        // The child shares this frame and stores 0 to `child` in it; the parent stores the pid thereafter.
        child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is measured
        if (child == 0) _exit(7);
        reaped = waitpid(child, &status, 0);
      },
      [&] { return check_child(child, reaped, status, self); });
}

NSLAB_BENCHMARK(thread_create_join, "lifecycle",
                "pthread_create, pthread_join: clone of a thread, alloc_pid(), release_task() by itself, futex", 400,
                100) {
  // The C library would take the stack's size from RLIMIT_STACK, which the seed chooses, and could not cache it.
  constexpr std::size_t kStackBytes = std::size_t{256} << 10;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, kStackBytes) != 0) {
    return measurement.fail("no thread attributes");
  }
  bool ran = false;
  int created = -1;
  int joined = -1;
  measurement.repeat(
      [&] {
        pthread_t thread;
        created = pthread_create(&thread, &attributes, mark, &ran);
        if (created == 0) joined = pthread_join(thread, nullptr);
      },
      [&]() -> const char* {
        if (created != 0) return "no thread was created";
        if (joined != 0) return "the thread could not be joined";
        if (!ran) return "the thread did not run";
        ran = false;
        joined = -1;
        return nullptr;
      });
  pthread_attr_destroy(&attributes);
}
