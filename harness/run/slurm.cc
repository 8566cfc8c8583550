// SPDX-License-Identifier: GPL-2.0
#include "slurm.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <thread>

#include "clock.h"
#include "files.h"
#include "json.h"
#include "output.h"
#include "processes.h"
#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr double kSecondsBetweenLooks = 2;
constexpr double kSecondsUntilTold = 120;  // why nothing runs
// A network file system may show a result some time after its task has left the queue.
constexpr int kMostAbsences = 5;
// What nslab and QEMU take beside the guest's memory: symbols, translated code, trees of calls.
constexpr int kMibBesideGuest = 768;

/// What one of Slurm's programs prints. They are found and configured by the user's environment.
Result<std::string> slurm(std::vector<std::string> argv) {
  const std::string program = argv.front();
  // What the user has set for squeue's own output (SQUEUE_STATES and so on) would hide tasks from us.
  std::vector<std::string> words = {"env"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (variable.starts_with("SQUEUE_"))
      words.insert(words.end(), {"-u", std::string(variable.substr(0, variable.find('=')))});
  }
  argv.insert(argv.begin(), words.begin(), words.end());
  const auto run = TRY(run_captured({.argv = argv, .inherits_environment = true}));
  if (run.status == 0) return run.output;
  if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == 127) {
    return machine_error("{} is missing: '--on slurm' needs Slurm's programs (apt-get install slurm-client)", program);
  }
  const auto says = [&](std::string_view words) { return run.output.find(words) != std::string::npos; };
  std::string message =
      fmt::format("{} ended with {}:\n{}", program, describe_status(run.status), without_last_newlines(run.output));
  if (says("Memory specification"))
    message += "\nIf this cluster has no memory configured, ask for none: --on slurm:mem=0";
  // Slurm answers, and does not want these options.
  const bool is_refused = program == "sbatch" && !says("Unable to contact") && !says("Socket timed out");
  return is_refused ? user_error("{}", message) : machine_error("{}", message);
}

/// The tasks that are queued or run, as "1234_5", each with why it waits (empty: it does not); nothing when Slurm does
/// not answer.
std::optional<std::map<std::string, std::string>> queue() {
  const auto output = slurm({"squeue", "--noheader", "--array", "--me", "--format=%F_%K|%t|%r"});
  if (!output) return std::nullopt;
  std::map<std::string, std::string> tasks;
  for (const std::string& line : lines_of(*output)) {
    const auto fields = split_at(line, '|');
    if (fields.size() == 3) tasks[fields[0]] = fields[1] == "PD" ? fields[2] : "";
  }
  return tasks;
}

/// How many tasks an array may have.
std::size_t most_tasks() {
  constexpr std::size_t kSlurmsDefault = 1000;
  const auto output = slurm({"scontrol", "show", "config"});
  if (!output) return kSlurmsDefault;
  for (const std::string& line : lines_of(*output)) {
    if (!line.starts_with("MaxArraySize")) continue;
    const auto digits = line.find_first_of("0123456789");
    std::size_t size = 0;
    if (digits != std::string::npos) std::from_chars(line.data() + digits, line.data() + line.size(), size);
    if (size > 1) return size - 1;
  }
  return kSlurmsDefault;
}

}  // namespace

Result<std::unique_ptr<SlurmBoots>> SlurmBoots::submit(const std::vector<const BootPlan*>& plans,
                                                       const Prepared& prepared, PackedRun packed,
                                                       std::map<std::string, std::string> options, double seconds) {
  options.emplace("job-name", "nslab-" + prepared.experiment.name);
  options.emplace("cpus-per-task", "1");
  options.emplace("mem", std::to_string(prepared.experiment.memory_mib + kMibBesideGuest));
  if (seconds > 0) options.emplace("time", std::to_string(std::max(10, static_cast<int>(std::ceil(seconds * 5 / 60)))));
  if (properties_of(prepared.experiment.meter).depends_on_host) options.emplace("exclusive", "");
  std::unique_ptr<SlurmBoots> boots(new SlurmBoots(std::move(packed), std::move(options)));
  const fs::path folder = boots->packed_.folder();
  std::string script = "#!/bin/sh\nexec";
  for (const std::string& word : work_command(boots->packed_, boots->packed_.shelf)) script += " " + for_shell(word);
  script += " --boot $((SLURM_ARRAY_TASK_ID + $1))\n";
  TRY(write_file(folder / "task.sh", script));

  std::map<std::string, std::string> submitted;  // task by the boot's key
  if (const auto text = read_file(folder / "tasks.json")) {
    const Json json = parse_json(*text).value_or(Json::object());
    for (const auto& [key, task] : json.items()) {
      if (task.is_string()) submitted[key] = task;
    }
  }
  for (const BootPlan* plan : plans) {
    Task task{
        .plan = plan, .number = static_cast<std::size_t>(plan - prepared.plan.data()), .name = submitted[plan->key]};
    // A boot that failed is tried again, as it is elsewhere.
    const fs::path result = boots->packed_.boot(plan->key);
    if (is_there(result) && !read_packed_boot(result, *plan)) {
      std::error_code ignored;
      fs::remove_all(result, ignored);
      task.name.clear();
    }
    boots->open_.push_back(std::move(task));
  }
  const auto queued = queue();
  if (!queued) return slurm({"squeue", "--noheader", "--me"}).error();
  std::vector<Task*> missing;
  for (Task& task : boots->open_) {
    if (!is_there(boots->packed_.boot(task.plan->key)) && !queued->contains(task.name)) missing.push_back(&task);
  }
  if (missing.size() < boots->open_.size()) {
    print_err("{} of {} boots are under way in Slurm or have ended there\n", boots->open_.size() - missing.size(),
              boots->open_.size());
  }
  TRY(boots->submit_tasks(missing));
  return boots;
}

Result<void> SlurmBoots::submit_tasks(std::vector<Task*> tasks) {
  if (tasks.empty()) return {};
  const std::size_t most = most_tasks();
  for (std::size_t first = 0; first < tasks.size();) {
    // An array's numbers go from 0 to `most`; so many fit from the first boot's on.
    std::size_t end = first;
    while (end < tasks.size() && tasks[end]->number - tasks[first]->number < most) ++end;
    TRY(submit_array(
        {tasks.begin() + static_cast<std::ptrdiff_t>(first), tasks.begin() + static_cast<std::ptrdiff_t>(end)}));
    first = end;
  }
  return {};
}

Result<void> SlurmBoots::submit_array(const std::vector<Task*>& tasks) {
  const std::size_t first = tasks.front()->number;
  std::vector<std::size_t> numbers;
  for (const Task* task : tasks) numbers.push_back(task->number - first);
  std::vector<std::string> argv = {"sbatch",
                                   "--parsable",
                                   "--requeue",
                                   "--open-mode=append",
                                   fmt::format("--array={}", fmt::join(numbers, ",")),
                                   fmt::format("--output={}", (packed_.folder() / "logs" / "%A_%a.log").string())};
  for (const auto& [name, value] : options_) argv.push_back(value.empty() ? "--" + name : "--" + name + "=" + value);
  if (!bad_nodes_.empty()) argv.push_back(fmt::format("--exclude={}", fmt::join(bad_nodes_, ",")));
  argv.push_back(packed_.folder() / "task.sh");
  argv.push_back(std::to_string(first));
  const std::string output = TRY(slurm(argv));
  // "1234", or "1234;cluster", perhaps behind warnings
  std::string array;
  for (const std::string& line : lines_of(output)) {
    const std::string number = line.substr(0, line.find(';'));
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) array = number;
  }
  if (array.empty()) return machine_error("sbatch does not say which job it has submitted: {}", output);
  arrays_.insert(array);
  for (Task* task : tasks) {
    task->name = fmt::format("{}_{}", array, task->number - first);
    ++task->submissions;
    task->absences = 0;
  }
  return note_submitted();
}

Result<void> SlurmBoots::note_submitted() const {
  Json json = Json::object();
  for (const Task& task : open_) json[task.plan->key] = task.name;
  return write_file(packed_.folder() / "tasks.json", to_text(json));
}

std::optional<Boots::Ended> SlurmBoots::end(std::vector<Task>::iterator task, Result<BootRecord> boot) {
  const BootPlan* plan = task->plan;
  open_.erase(task);
  return Ended{plan, std::move(boot)};
}

std::optional<Boots::Ended> SlurmBoots::next() {
  for (auto task = open_.begin(); task != open_.end(); ++task) {
    const fs::path result = packed_.boot(task->plan->key);
    if (!is_there(result)) continue;
    auto boot = read_packed_boot(result, *task->plan);
    if (!boot) {
      std::error_code ignored;
      fs::remove_all(result, ignored);  // so that the next time it is tried again
    }
    return end(task, std::move(boot));
  }
  if (monotonic_seconds() - looked_ < kSecondsBetweenLooks) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    return std::nullopt;
  }
  looked_ = monotonic_seconds();
  return look_at_queue();
}

std::optional<Boots::Ended> SlurmBoots::look_at_queue() {
  const auto queued = queue();
  if (!queued) {
    if (!silent_) print_err("nslab: Slurm does not answer; waiting until it does\n");
    silent_ = true;
    return std::nullopt;
  }
  silent_ = false;
  tell_of_waiting(*queued);
  std::vector<Task*> lost;
  for (auto task = open_.begin(); task != open_.end(); ++task) {
    task->absences = queued->contains(task->name) || is_there(packed_.boot(task->plan->key)) ? 0 : task->absences + 1;
    if (task->absences < kMostAbsences) continue;
    const std::string log = log_text(*task);
    if (const auto at = log.find(kCannotExecute); at != std::string::npos) {
      const std::string_view node = std::string_view(log).substr(at + std::string_view(kCannotExecute).size());
      bad_nodes_.emplace(node.substr(0, node.find(':')));
    }
    if (task->submissions >= kMostSubmissions) {
      return end(task, machine_error("{}, seed {}: Slurm has lost the boot {} times. Its task wrote last:\n{}",
                                     task->plan->kernel, task->plan->seed, kMostSubmissions, log));
    }
    const auto lines = lines_of(log);
    print_err(
        "nslab: Slurm's task {} ({}, seed {}) is gone without a result: it is submitted again. It wrote last: {}\n",
        task->name, task->plan->kernel, task->plan->seed, lines.empty() ? "nothing" : lines.back());
    lost.push_back(&*task);
  }
  if (const auto done = submit_tasks(lost); !done) {
    auto task = std::find_if(open_.begin(), open_.end(), [&](const Task& open) { return &open == lost.front(); });
    return end(task, done.error());
  }
  return std::nullopt;
}

void SlurmBoots::tell_of_waiting(const std::map<std::string, std::string>& queued) {
  std::map<std::string, std::size_t> reasons;
  for (const Task& task : open_) {
    const auto found = queued.find(task.name);
    if (found == queued.end()) continue;
    if (found->second.empty()) {
      waiting_since_ = monotonic_seconds();  // one that runs: the others wait for it
      return;
    }
    ++reasons[found->second];
  }
  if (waiting_since_ == 0) waiting_since_ = monotonic_seconds();
  if (reasons.empty() || monotonic_seconds() - waiting_since_ < kSecondsUntilTold) return;
  waiting_since_ = monotonic_seconds();
  for (const auto& [reason, count] : reasons)
    print_err("nslab: none of the tasks runs; of {} Slurm says '{}' (squeue --me)\n", count, reason);
}

std::string SlurmBoots::log_text(const Task& task) const {
  constexpr std::size_t kMost = 2000;
  const auto log = read_file(packed_.folder() / "logs" / (task.name + ".log"));
  if (!log || log->empty()) return "nothing";
  return end_of(*log, kMost);
}

bool SlurmBoots::all_ended() { return open_.empty(); }

void SlurmBoots::stop() {
  std::set<std::string> arrays = arrays_;
  for (const Task& task : open_) arrays.insert(task.name.substr(0, task.name.find('_')));
  open_.clear();
  if (arrays.empty()) return;
  const std::string names = fmt::format("{}", fmt::join(arrays, " "));
  if (interrupted()) {
    print_err("nslab: Slurm's tasks go on, and the same command takes up what they leave. To end them: scancel {}\n",
              names);
    return;
  }
  std::vector<std::string> argv = {"scancel"};
  argv.insert(argv.end(), arrays.begin(), arrays.end());
  if (const auto cancelled = slurm(argv); !cancelled) print_err("nslab: {}\n", cancelled.error().message);
}

}  // namespace nslab
