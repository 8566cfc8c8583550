// SPDX-License-Identifier: GPL-2.0
//
// Runs kernel selftests inside a guest, at each depth, and prints one line a test case:
//
//   RESULT <tab> DEPTH <tab> PROGRAM <tab> CASE <tab> DETAIL
//
// and `done` behind the last. PROGRAM is as given; CASE is empty for a program as a whole. The full output would not
// fit into a frame.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tap.h"

namespace {

constexpr char kHelp[] = R"(Usage: run_selftests FOLDER MAX_DEPTH LIMIT PROGRAM...

Runs each PROGRAM of FOLDER (a path below it, and arguments behind spaces) through nsexec at the depths from 0 to
MAX_DEPTH, each run for at most LIMIT seconds. Wants root. Exit status: 0, whatever the programs said; 2 for a wrong
command line.
)";

constexpr std::size_t kMostOutput = 1 << 20;

struct Run {
  std::string output;
  int status = 0;
  bool in_time = true;
};

double now() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// What a test left behind became ours, as we are a subreaper.
void kill_children() {
  for (;;) {
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    int any = 0;
    for (pid_t pid; children >> pid; ++any) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, __WALL) > 0) {
    }
    if (any == 0) return;
  }
}

[[noreturn]] void become(const std::vector<std::string>& words, int output) {
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(output, 1);
  dup2(output, 2);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  std::printf("cannot run %s: %s\n", arguments[0], strerror(errno));
  std::fflush(stdout);
  _exit(127);
}

/// A terminal, as {our end, the program's}: through a pipe, what a program has printed and not flushed is lost when it
/// dies, and printed twice when it forks.
std::pair<int, int> open_terminal() {
  const int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios mode = {};
  if (ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0) {
    const int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (theirs >= 0 && tcgetattr(theirs, &mode) == 0) {
      cfmakeraw(&mode);
      if (tcsetattr(theirs, TCSANOW, &mode) == 0) return {ours, theirs};
    }
  }
  std::perror("run_selftests: cannot open a terminal");
  std::exit(1);
}

Run run(const std::vector<std::string>& words, double limit) {
  const auto [ours, theirs] = open_terminal();
  const double deadline = now() + limit;
  const pid_t child = fork();
  if (child == 0) become(words, theirs);
  close(theirs);

  Run run;
  bool open = true;
  bool ended = false;
  while (!ended || open) {
    pollfd readable = {ours, POLLIN, 0};
    if (poll(&readable, open ? 1 : 0, 50) > 0) {
      char buffer[4096];
      const ssize_t got = read(ours, buffer, sizeof buffer);
      if (got > 0 && run.output.size() < kMostOutput) run.output.append(buffer, static_cast<std::size_t>(got));
      if (got <= 0) open = false;  // EIO: nobody has it open any more
    }
    if (!ended && now() > deadline) {
      run.in_time = false;
      kill(child, SIGKILL);
    }
    if (!ended && waitpid(child, &run.status, run.in_time ? WNOHANG : 0) == child) {
      ended = true;
      kill_children();  // and with them the last writer
    }
  }
  close(ours);
  return run;
}

void report(const char* result, int depth, const std::string& program, const std::string& name,
            const std::string& detail) {
  std::printf("%s\t%d\t%s\t%s\t%s\n", result, depth, program.c_str(), name.c_str(), detail.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const std::string folder = argv[1];
  const int max_depth = std::atoi(argv[2]);
  const int limit = std::atoi(argv[3]);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // The cgroup tests want the unified hierarchy; where there is none they say so.
  mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  // A test's own death is none of the kernel's faults.
  std::ofstream("/proc/sys/debug/exception-trace") << "0";
  if (chdir("/tmp") != 0) std::perror("run_selftests: /tmp");

  for (int depth = 0; depth <= max_depth; ++depth) {
    for (int i = 4; i < argc; ++i) {
      std::vector<std::string> words = {"nsexec", "--depth", std::to_string(depth), "--"};
      std::istringstream command(folder + "/" + argv[i]);
      for (std::string word; command >> word;) words.push_back(word);
      const Run ended = run(words, limit);
      for (const auto& c : nslab::tap::read(ended.output, ended.status)) {
        report(c.result, depth, argv[i], c.name, c.detail);
      }
      if (!ended.in_time) report("fail", depth, argv[i], "", "no end within " + std::to_string(limit) + " s");
      std::fflush(stdout);
    }
  }
  std::puts("done");
}
