// SPDX-License-Identifier: GPL-2.0
//
// The loops of the 2007 set as a program of their own, small as unixbench's: a fork copies little besides what is
// measured. Each says at its end how much it did.
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "workload: cannot %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

/// unixbench's spawn: fork, exit, wait.
void spawn(int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) _exit(0);
    int status = -1;
    if (wait(&status) != child || status != 0) fail("wait for the child");
  }
  std::printf("%d processes\n", count);
}

/// unixbench's execl: this program again, with one less to go.
void exec_again(const char* program, int left, const char* all) {
  if (left == 0) {
    std::printf("%s execs\n", all);
    return;
  }
  char next[16];
  std::snprintf(next, sizeof next, "%d", left - 1);
  execl(program, program, "execl", next, all, nullptr);
  fail("exec");
}

void* start(void* count) {
  ++*static_cast<int*>(count);
  return nullptr;
}

/// nptl/perf -t 1 -r 0 --sync-join of glibc 2.5: a thread, joined, and the next.
void nptl(int count) {
  int started = 0;
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    if (errno = pthread_create(&thread, nullptr, start, &started); errno != 0) fail("create a thread");
    if (errno = pthread_join(thread, nullptr); errno != 0) fail("join the thread");
  }
  std::printf("%d threads\n", started);
}

/// A binary tree of processes below the caller, all alive until the last has come. Returns the number of those
/// reaped by the caller, 2 or 0.
int grow(int levels, int* alive, int all) {
  int children = 0;
  if (levels > 0) {
    for (; children < 2; ++children) {
      const pid_t child = fork();
      if (child < 0) fail("fork");
      if (child == 0) _exit(grow(levels - 1, alive, all) == (levels > 1 ? 2 : 0) ? 0 : 1);
    }
  }
  if (__atomic_add_fetch(alive, 1, __ATOMIC_SEQ_CST) == all) {
    syscall(SYS_futex, alive, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
  for (int now; (now = __atomic_load_n(alive, __ATOMIC_SEQ_CST)) != all;) {
    syscall(SYS_futex, alive, FUTEX_WAIT, now, nullptr, nullptr, 0);
  }
  int reaped = 0;
  for (int status = -1; reaped < children && wait(&status) > 0 && status == 0;) ++reaped;
  return reaped;
}

void fork_bomb(int levels) {
  const int all = (2 << levels) - 1;
  void* const shared = mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("map memory");
  if (grow(levels, static_cast<int*>(shared), all) != 2) fail("reap the children");
  std::printf("%d processes alive at once\n", *static_cast<int*>(shared));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("Usage: workload spawn|execl|nptl COUNT | fork_bomb LEVELS\n", stderr);
    return 2;
  }
  const int count = std::atoi(argv[2]);
  if (std::strcmp(argv[1], "spawn") == 0) spawn(count);
  if (std::strcmp(argv[1], "execl") == 0) exec_again(argv[0], count, argc > 3 ? argv[3] : argv[2]);
  if (std::strcmp(argv[1], "nptl") == 0) nptl(count);
  if (std::strcmp(argv[1], "fork_bomb") == 0) fork_bomb(count);
}
