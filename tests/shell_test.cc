// SPDX-License-Identifier: GPL-2.0
//
// A prompt in a kernel, as from a user's terminal.
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "lab_support.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

std::vector<std::string> shell(const std::vector<std::string>& more) {
  kernel("multi");
  std::vector<std::string> words = {"shell", "multi", "--profile", "mini", "--accel", "tcg", "--memory", "512"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Shell, ACommandEndsItWithItsOwnStatus) {
  const Captured ended = nslab(shell({"--depth", "2", "--", "sh", "-c", "echo I am $$; exit 7"}));
  EXPECT_EQ(ended.status, 7 << 8);
  EXPECT_EQ(ended.output, "I am 2\n") << "pid 1 of a namespace is the launcher, and nothing else is printed";
}

TEST(Shell, WhatCannotBeDoneIsSaid) {
  kernel("flat");
  const Captured refused =
      nslab({"shell", "flat", "--profile", "mini", "--depth", "2", "--accel", "tcg", "--", "true"});
  EXPECT_EQ(refused.status, 1 << 8);
  EXPECT_THAT(refused.output, HasSubstr("flat: the kernel refuses a pid namespace at level 2: Invalid argument"));
  const Captured missing = nslab(shell({"--", "no-such-program"}));
  EXPECT_EQ(missing.status, 127 << 8);
  EXPECT_THAT(missing.output, HasSubstr("cannot run no-such-program: No such file or directory"));
  const Captured with = nslab(shell({"--with", "no-such-program", "--", "true"}));
  EXPECT_EQ(with.status, 2 << 8);
  EXPECT_THAT(with.output, HasSubstr("--with no-such-program: this machine has no such program"));
}

TEST(Shell, InputAndOutputComeThroughByteByByte) {
  const TempFolder work = folder();
  std::string bytes;
  for (int i = 0; i < 20'000; ++i)
    bytes += static_cast<char>(i * 7 + i / 256);  // all values, and no line's end in places
  bytes += std::string(9000, 'a');
  ASSERT_TRUE(write_file(work.path() / "in", bytes));
  Command command = nslab_command(shell({"--", "cat"}));
  command.argv.insert(command.argv.begin(), {"sh", "-c", "\"$@\" <\"$0/in\" >\"$0/out\"", work.path()});
  const Captured copied = must(run_captured(command));
  EXPECT_EQ(copied.status, 0) << copied.output;
  EXPECT_TRUE(must(read_file(work.path() / "out")) == bytes);
  // Somebody who reads late gets all of it.
  command = nslab_command(shell({"--", "head", "-c", "700001", "/dev/zero"}));
  command.argv.insert(command.argv.begin(), {"sh", "-c", "\"$@\" | { sleep 5; wc -c; }", work.path()});
  EXPECT_EQ(must(run_captured(command)).output, "700001\n");
  // A command that does not want all of it ends as it ends.
  command = nslab_command(shell({"--", "sh", "-c", "read a; exit 3"}));
  command.argv.insert(command.argv.begin(), {"sh", "-c", "\"$@\" <\"$0/in\"", work.path()});
  EXPECT_EQ(must(run_captured(command)).status, 3 << 8);
  command = nslab_command(shell({"--", "echo", "hi"}));
  command.argv.insert(command.argv.begin(), {"sh", "-c", "\"$@\" >/dev/full", work.path()});
  const Captured full = must(run_captured(command));
  EXPECT_EQ(full.status, 3 << 8);
  EXPECT_THAT(full.output, HasSubstr("cannot write what the guest prints: No space left on device"));
}

/// nslab on a terminal of its own.
class OnTerminal {
 public:
  explicit OnTerminal(const std::vector<std::string>& arguments) {
    Command command = nslab_command(arguments);
    std::vector<char*> argv;
    for (std::string& word : command.argv) argv.push_back(word.data());
    argv.push_back(nullptr);
    winsize size{};
    size.ws_row = 40;
    size.ws_col = 120;
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~OnTerminal() {
    ::close(terminal_);
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  void type(const std::string& keys) const {
    EXPECT_EQ(::write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void resize(unsigned short rows, unsigned short columns) const {
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    ::ioctl(terminal_, TIOCSWINSZ, &size);
  }
  /// Reads until the text comes; fails the test after a minute.
  void wait_for(const std::string& text) {
    const double end = monotonic_seconds() + 60;
    while (seen_.find(text) == std::string::npos) {
      char buffer[4096];
      fd_set readable;
      FD_ZERO(&readable);
      FD_SET(terminal_, &readable);
      timeval wait = {1, 0};
      if (monotonic_seconds() > end) FAIL() << "no '" << text << "' in:\n" << seen_;
      if (::select(terminal_ + 1, &readable, nullptr, nullptr, &wait) <= 0) continue;
      const ssize_t got = ::read(terminal_, buffer, sizeof buffer);
      if (got <= 0) FAIL() << "the end, and no '" << text << "' in:\n" << seen_;
      seen_.append(buffer, static_cast<std::size_t>(got));
    }
    seen_.erase(0, seen_.find(text) + text.size());
  }
  /// Its wait status; -1, and the test fails, when it has not ended after a minute.
  int status() {
    int status = -1;
    const double end = monotonic_seconds() + 60;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (monotonic_seconds() > end) {
        ADD_FAILURE() << "no end; it printed last:\n" << seen_;
        return -1;
      }
      ::usleep(50'000);
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string seen_;
};

TEST(Shell, KeysAndTheTerminalsSizeReachTheGuest) {
  OnTerminal shell_on(shell({"--depth", "1"}));
  shell_on.wait_for("multi, depth 1 # ");
  shell_on.type("stty size\r");
  shell_on.wait_for("40 120\r\n");
  shell_on.resize(50, 133);
  // It gets there a little later.
  shell_on.type("until [ \"$(stty size)\" = '50 133' ]; do sleep 0.1; done; echo re''sized\r");
  shell_on.wait_for("resized\r\n");
  shell_on.type("echo beg''un; sleep 1000\r");
  shell_on.wait_for("begun\r\n");
  shell_on.type("\x03");
  shell_on.wait_for(" # ");  // what is typed before may be dropped with the line that Ctrl-C ends
  shell_on.type("echo status $?\r");
  shell_on.wait_for("status 130\r\n");
  shell_on.type("exit 3\r");
  EXPECT_EQ(shell_on.status(), 3 << 8);
}

TEST(Shell, OneKeyLeavesWhateverTheGuestDoes) {
  OnTerminal shell_on(shell({}));
  shell_on.wait_for("multi # ");
  shell_on.type("trap '' INT; echo beg''un; while :; do :; done\r");
  shell_on.wait_for("begun\r\n");
  shell_on.type("\x03");
  shell_on.type("\x1d");
  EXPECT_EQ(shell_on.status(), 0);
}

}  // namespace
}  // namespace nslab::lab
