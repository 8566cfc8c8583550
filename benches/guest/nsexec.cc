// SPDX-License-Identifier: GPL-2.0
//
// Runs a command in nested pid namespaces: what pidns_exec of the 2006 and 2007 mails did (its -N and -F).
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "nest.h"

namespace {

using nslab::guest::NestedCommand;
using nslab::guest::NestResult;

constexpr char kHelp[] = R"(Usage: nsexec [--depth N] [--forkbomb N] [-- COMMAND [ARGUMENT...]]

Runs COMMAND in nested pid namespaces, each with its own mount namespace and /proc.

  --depth N      how many namespaces below this one (default 1; 0 makes none)
  --forkbomb N   first creates N processes in the deepest namespace, all alive at once, says how many there could be, ends
                 and reaps them
  --help         prints this

Exit status: COMMAND's own, or 128 + the signal that killed it. 125 if the kernel refused a namespace, 124 if something
else failed on the way, 126 and 127 if COMMAND could not be run or found, 2 for a wrong command line.

  nsexec --depth 3 -- sh -c 'grep NSpid /proc/self/status; ps ax'
  nsexec --depth 1 --forkbomb 1000
)";

[[noreturn]] void misused(const char* format, const char* what) {
  std::fputs("nsexec: ", stderr);
  std::fprintf(stderr, format, what);
  std::fputs("\nTry 'nsexec --help'.\n", stderr);
  std::exit(2);
}

int whole_number(const char* option, const char* text, int highest) {
  int value = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stop != end || value < 0 || value > highest) {
    std::fprintf(stderr, "nsexec: %s takes a whole number from 0 to %d, not '%s'\n", option, highest, text);
    std::exit(2);
  }
  return value;
}

const char* errno_name(int error) {
  const char* const name = strerrorname_np(error);
  return name ? name : "unknown error";
}

/// Creates `count` processes that live until all are there, as far as the kernel lets it; then none.
int forkbomb(int count) {
  int gate[2];  // children wait for its end
  if (pipe2(gate, O_CLOEXEC) != 0) return errno;
  int created = 0;
  int error = 0;
  for (; created < count; ++created) {
    const pid_t child = fork();
    if (child == 0) {
      close(gate[1]);
      char byte;
      while (read(gate[0], &byte, 1) < 0 && errno == EINTR) {
      }
      _exit(0);
    }
    if (child < 0) {
      error = errno;
      break;
    }
  }
  close(gate[1]);
  close(gate[0]);
  int reaped = 0;
  while (reaped < created) {
    if (wait(nullptr) > 0) {
      ++reaped;
    } else if (errno != EINTR) {
      break;
    }
  }
  std::printf("forkbomb: created %d of %d processes", created, count);
  if (error != 0) std::printf(", then fork said %s", errno_name(error));
  std::printf("; reaped %d\n", reaped);
  std::fflush(stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int depth = 1;
  int bomb = -1;
  const option options[] = {{"depth", required_argument, nullptr, 'd'},
                            {"forkbomb", required_argument, nullptr, 'f'},
                            {"help", no_argument, nullptr, 'h'},
                            {nullptr, 0, nullptr, 0}};
  opterr = 0;
  // '+': the command's own options are not ours. ':': a missing argument is told from an unknown option.
  for (int option; (option = getopt_long(argc, argv, "+:", options, nullptr)) != -1;) {
    switch (option) {
      case 'd':
        depth = whole_number("--depth", optarg, 1000);
        break;
      case 'f':
        bomb = whole_number("--forkbomb", optarg, 4194304);
        break;
      case 'h':
        std::fputs(kHelp, stdout);
        return 0;
      case ':':
        misused("%s takes a number", argv[optind - 1]);
      default:
        misused("unknown option %s (a command's own options go behind '--')", argv[optind - 1]);
    }
  }
  if (optind == argc && bomb < 0) misused("%s to run: give a command behind '--', or --forkbomb", "nothing");

  NestedCommand command;
  command.depth = depth;
  if (bomb >= 0) command.prepare = [bomb] { return forkbomb(bomb); };
  if (optind < argc) command.program = argv[optind];
  command.arguments.assign(argv + optind, argv + argc);
  for (char** variable = environ; *variable != nullptr; ++variable) command.environment.emplace_back(*variable);

  const NestResult result = nslab::guest::run_nested(command);
  switch (result.kind) {
    case NestResult::Kind::ended:
      return result.status;
    case NestResult::Kind::refused:
      std::fprintf(stderr, "nsexec: refused (%s) at level %d\n", errno_name(result.error), result.level);
      if (result.error == EPERM)
        std::fputs("nsexec: it takes CAP_SYS_ADMIN to make a pid namespace: try as root\n", stderr);
      return 125;
    case NestResult::Kind::failed:
      break;
  }
  if (result.step == "run the program") {
    std::fprintf(stderr, "nsexec: cannot run %s: %s\n", command.program.c_str(), std::strerror(result.error));
    return result.error == ENOENT ? 127 : 126;
  }
  std::fprintf(stderr, "nsexec: cannot %s at level %d: %s\n", result.step.c_str(), result.level,
               std::strerror(result.error));
  return 124;
}
