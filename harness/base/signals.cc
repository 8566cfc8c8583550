// SPDX-License-Identifier: GPL-2.0
#include "signals.h"

#include <signal.h>

#include <atomic>

namespace nslab {

namespace {

std::atomic<bool> g_interrupted = false;

void on_interrupt(int signal) {
  if (g_interrupted.exchange(true)) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

}  // namespace

bool interrupted() { return g_interrupted; }

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

Error interruption() {
  return negative_result("interrupted: what was finished is kept; the same command goes on from there");
}

}  // namespace nslab
