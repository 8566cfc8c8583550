// SPDX-License-Identifier: GPL-2.0
#include <poll.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "host.h"
#include "output.h"
#include "packed_run.h"
#include "paths.h"
#include "verb.h"

namespace nslab::verb_work {
namespace {

struct WorkArguments {
  std::string folder;
  int boot = -1;
  bool check = false;
};

void declare_arguments(Arguments& arguments, WorkArguments& values) {
  arguments.positional("FOLDER", values.folder, "a packed run, as 'nslab run --on' makes it", "FOLDER");
  arguments.option("--boot", values.boot, 0, 1'000'000, "execute this boot of the plan");
  arguments.flag("--check", values.check, "only say whether this machine can, and how many boots at once");
}

/// Ends the program when nobody reads its messages any more: the one who asked for the boot, at the other end of an
/// ssh, is gone.
class ReaderWatch {
 public:
  ReaderWatch() : thread_([this] { watch(); }) {}
  ~ReaderWatch() { ended_ = true; }
  ReaderWatch(const ReaderWatch&) = delete;
  ReaderWatch& operator=(const ReaderWatch&) = delete;

 private:
  void watch() const {
    constexpr int kMilliseconds = 200;
    while (!ended_) {
      pollfd messages{2, 0, 0};
      if (::poll(&messages, 1, kMilliseconds) <= 0) continue;
      ::kill(::getpid(), SIGTERM);
      return;
    }
  }
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

std::string node() {
  if (const char* name = std::getenv("SLURMD_NODENAME"); name != nullptr) return name;
  return host_name();
}

Result<void> act(const WorkArguments& arguments) {
  const ReaderWatch watch;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(arguments.folder, error);
  if (error) return user_error("there is no folder {}", arguments.folder);
  const auto work = [&]() -> Result<void> {
    const auto paths = TRY(find_paths());
    const auto unpacked = TRY(unpack_run(folder));
    if (arguments.check) {
      print_out("boots at once: {}\n", unpacked.prepared.jobs);
      return {};
    }
    if (arguments.boot < 0) return user_error("--boot is missing: the number of a boot, from 0");
    return execute_packed(unpacked, static_cast<std::size_t>(arguments.boot), folder, paths.cache);
  };
  auto done = work();
  if (!done && done.error().exit == Exit::machine) {
    return machine_error("{}{}: {}", kCannotExecute, node(), done.error().message);
  }
  return done;
}

const RegisterVerb registered({
    .name = "work",
    .help = "execute a boot of a packed run: what 'nslab run --on' starts on other machines",
    .examples = "  nslab work results/smoke/packed/runs/0123456789abcdef --check      can this machine execute it?\n"
                "  nslab work results/smoke/packed/runs/0123456789abcdef --boot 3     as a task of Slurm does",
    .declare = verb_body<WorkArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_work
