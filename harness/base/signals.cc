// SPDX-License-Identifier: GPL-2.0
#include "signals.h"

#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdint>

namespace nslab {

namespace {

std::atomic<bool> g_interrupted = false;

/// When the first one came, in nanoseconds of the monotonic clock.
std::atomic<std::int64_t> g_first = 0;

void on_interrupt(int signal) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t time = now.tv_sec * kSecond + now.tv_nsec;
  if (!g_interrupted.exchange(true)) {
    g_first = time;
    return;
  }
  // One that comes at once is the same wish: timeout(1) signals its child, and then the group that this is in.
  if (time - g_first < kSecond / 10) return;
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

bool interrupted() { return g_interrupted; }

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // nohup(1) ignores SIGHUP, and a shell's background job may ignore SIGINT: that is the caller's wish.
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN || signal == SIGTERM) ::sigaction(signal, &action, nullptr);
  }
  // A caller may have left SIGCHLD ignored, and children would then end without a status, or signals blocked.
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Error interruption() {
  return negative_result("interrupted: kernels and boots that were finished are kept, and the same command uses them");
}

}  // namespace nslab
