// SPDX-License-Identifier: GPL-2.0
#include "ssh.h"

#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>

#include "files.h"
#include "output.h"
#include "processes.h"
#include "scratch_folder.h"
#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// On the machine: a shell's text, which nothing here may expand. The shelf's name has no blank.
constexpr const char* kShelf = "${XDG_CACHE_HOME:-$HOME/.cache}/nslab/packed";
// How ssh(1) itself ends when it cannot connect or is cut off.
constexpr int kSshFailed = 255;

/// Exit statuses of the remote command that say something of the machine and not of the boot.
bool is_of_machine(int status) {
  return !WIFEXITED(status) || WEXITSTATUS(status) == kSshFailed ||
         WEXITSTATUS(status) == static_cast<int>(Exit::machine) || WEXITSTATUS(status) >= 126;
}

constexpr std::size_t kMostShown = 2000;  // bytes of what a machine says

}  // namespace

std::vector<std::string> SshMachines::ssh(const std::string& machine, const std::string& command) const {
  std::vector<std::string> argv = {
      "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15"};
  if (!config_.empty()) argv.insert(argv.end(), {"-F", config_});
  argv.insert(argv.end(), {"--", machine, command});
  return argv;
}

std::string SshMachines::work(const std::string& arguments) const {
  const std::vector<std::string> words = work_command(packed_, "SHELF");
  std::string command = "exec";
  for (const std::string& word : words) {
    command += word.starts_with("SHELF") ? fmt::format(" \"{}{}\"", kShelf, word.substr(5)) : " " + word;
  }
  return command + " " + arguments;
}

Result<void> SshMachines::send(const std::string& machine) {
  const fs::path run = packed_.parts.back();  // it alone may be another one by the same name
  std::string question = fmt::format("mkdir -p \"{0}\" && cd \"{0}\" && for part in", kShelf);
  for (const fs::path& part : packed_.parts) question += " " + part.string();
  question += "; do test -e $part || echo missing $part; done";
  const auto asked = TRY(run_captured({.argv = ssh(machine, question), .inherits_environment = true}));
  if (asked.status != 0) return machine_error("{}", end_of(asked.output, kMostShown));
  std::vector<std::string> missing;
  for (const std::string& line : lines_of(asked.output)) {
    if (line.starts_with("missing ")) missing.push_back(line.substr(8));
  }
  if (std::find(missing.begin(), missing.end(), run.string()) == missing.end()) missing.push_back(run);
  print_err("{}: sending {}\n", machine, counted(missing.size(), "part"));
  // Unpacked beside and moved part by part, so that nothing is there by halves.
  std::string unpack = fmt::format("cd \"{}\" && t=$(mktemp -d .part.XXXXXX) && tar -C $t -xf -", kShelf);
  for (const std::string& part : missing) {
    unpack += fmt::format(" && mkdir -p {1} && {{ test -f {0} && rm -f {0}; test -e {0} || mv $t/{0} {0}; }}", part,
                          fs::path(part).parent_path().string());
  }
  unpack += fmt::format(" && mkdir -p {0}/boots {0}/failed; s=$?; rm -rf $t; exit $s", packed_.name.string());
  std::vector<std::string> argv = {"sh", "-c", "tar -C \"$0\" -cf - $1 | { shift; \"$@\"; }", packed_.shelf,
                                   fmt::format("{}", fmt::join(missing, " "))};
  const auto words = ssh(machine, unpack);
  argv.insert(argv.end(), words.begin(), words.end());
  const auto sent = TRY(run_captured({.argv = argv, .inherits_environment = true}));
  if (sent.status != 0) return machine_error("{}", end_of(sent.output, kMostShown));
  return {};
}

Result<int> SshMachines::check(const std::string& machine) {
  const auto checked = TRY(run_captured({.argv = ssh(machine, work("--check")), .inherits_environment = true}));
  for (const std::string& line : lines_of(checked.output)) {
    int places = 0;
    constexpr std::string_view kPlaces = "boots at once: ";
    if (!line.starts_with(kPlaces)) continue;
    std::from_chars(line.data() + kPlaces.size(), line.data() + line.size(), places);
    if (checked.status == 0 && places > 0) return places;
  }
  return machine_error("{}", end_of(checked.output, kMostShown));
}

SshMachines::~SshMachines() {
  for (const std::string& machine : sent_to_) {
    auto removing =
        Process::start({.argv = ssh(machine, fmt::format("rm -rf \"{}/{}\"", kShelf, packed_.name.string())),
                        .inherits_environment = true,
                        .output = "/dev/null"});
    constexpr double kPatience = 10;
    if (removing) removing->wait_for(kPatience);
  }
}

Result<std::unique_ptr<SshMachines>> SshMachines::connect(const std::vector<Named>& machines, PackedRun packed,
                                                          const Prepared& prepared, const std::string& config) {
  std::unique_ptr<SshMachines> made(new SshMachines(std::move(packed), prepared, config));
  std::vector<std::pair<int, std::string>> turns;  // so that few boots are spread over all machines
  for (const auto& [machine, wanted] : machines) {
    made->sent_to_.insert(machine);
    const auto sent = made->send(machine);
    const auto places = sent ? made->check(machine) : Result<int>(sent.error());
    if (interrupted()) return interruption();
    if (!places) {
      print_err("nslab: {} is left out: {}\n", machine, without_last_newlines(places.error().message));
      continue;
    }
    const bool timed = properties_of(prepared.experiment.meter).depends_on_host;
    const int count = wanted > 0 ? wanted : timed ? 1 : *places;
    print_err("{}: {} at once\n", machine, counted(static_cast<std::size_t>(count), "boot"));
    for (int turn = 0; turn < count; ++turn) turns.emplace_back(turn, machine);
  }
  if (turns.empty()) return machine_error("none of the machines can execute the run: see above");
  std::sort(turns.begin(), turns.end());
  for (const auto& [turn, machine] : turns) made->free_.push_back(machine);
  made->places_ = static_cast<unsigned>(turns.size());
  return made;
}

std::string SshMachines::fetch_failed(const std::string& machine) const {
  const fs::path here = packed_.shelf.parent_path() / "failed";
  if (!make_folders(here)) return "";
  std::vector<std::string> argv = {"sh", "-c", "\"$@\" | tar -C \"$0\" -xf -", here};
  const auto words = ssh(machine, fmt::format("tar -C \"{}/{}/failed\" -cf - .", kShelf, packed_.name.string()));
  argv.insert(argv.end(), words.begin(), words.end());
  const auto fetched = run_captured({.argv = argv, .inherits_environment = true});
  return fetched && fetched->status == 0 ? fmt::format("\nthey were fetched from {} to {}", machine, here.string())
                                         : "";
}

Result<BootRecord> SshMachines::execute_on(const std::string& machine, const BootPlan& plan) {
  const ScratchFolder scratch = TRY(ScratchFolder::make(TRY(temporary_folder()), "nslab-ssh"));
  const auto number = &plan - prepared_.plan.data();
  const auto booted =
      TRY(run_captured({.argv = ssh(machine, work(fmt::format("--boot {}", number))), .inherits_environment = true}));
  if (booted.status != 0) {
    return Error{
        is_of_machine(booted.status) ? Exit::machine : Exit::says_no,
        fmt::format("{}, seed {}: on {}: {}", plan.kernel, plan.seed, machine, end_of(booted.output, kMostShown))};
  }
  // ssh's own messages must not get into the file.
  const fs::path log = scratch.path() / "log";
  const fs::path file = scratch.path() / "nslab.sqlite";
  std::vector<std::string> argv = {"sh", "-c", "exec \"$@\" 2>>\"$0\"", log};
  const std::string folder = fmt::format("\"{}/{}/boots/{}\"", kShelf, packed_.name.string(), plan.key);
  const auto words = ssh(machine, fmt::format("cat {0}/nslab.sqlite && rm -rf {0}", folder));
  argv.insert(argv.end(), words.begin(), words.end());
  auto fetching = TRY(Process::start({.argv = argv, .inherits_environment = true, .output = file}));
  std::optional<int> status;
  while (!(status = fetching.wait_for(3600))) {
    if (interrupted()) return interruption();
  }
  if (*status != 0) return machine_error("{}: {}", machine, end_of(read_file(log).value_or(""), kMostShown));
  auto boot = read_packed_boot(scratch.path(), plan);
  if (!boot && boot.error().exit == Exit::says_no) boot.error().message += fetch_failed(machine);
  return boot;
}

Result<BootRecord> SshMachines::execute(const BootPlan& plan) {
  for (;;) {
    std::string machine;
    {
      std::unique_lock lock(mutex_);
      while (free_.empty() && busy_ > 0) {
        changed_.wait_for(lock, std::chrono::milliseconds(250));
        if (interrupted()) return interruption();
      }
      if (free_.empty()) return machine_error("no machine is left that executes boots: see above");
      machine = free_.front();
      free_.pop_front();
      ++busy_;
    }
    auto boot = execute_on(machine, plan);
    const std::lock_guard lock(mutex_);
    --busy_;
    changed_.notify_all();
    const bool bad = !boot && boot.error().exit == Exit::machine && !interrupted();
    if (!bad) {
      if (!bad_.contains(machine)) free_.push_back(machine);
      return boot;
    }
    print_err("nslab: {} gets no more boots: {}\nIf a file is damaged there, remove ~/.cache/nslab/packed on {}\n",
              machine, without_last_newlines(boot.error().message), machine);
    bad_.insert(machine);
    std::erase(free_, machine);
  }
}

}  // namespace nslab
