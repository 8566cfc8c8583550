// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "boots.h"
#include "packed_run.h"

namespace nslab {

/// Boots of a packed run as tasks of Slurm, one task a boot, submitted as arrays with sbatch(1). The packed run must
/// lie in a file system that the nodes see at the same path.
///
/// Tasks belong to the run and not to this program: which task executes which boot stands in the run's folder, and
/// after an interruption or a kill the next SlurmBoots of the run takes up what is queued, runs or has ended. A task
/// that is gone from the queue and has left nothing is submitted again, kMostSubmissions times in all, and not to a
/// node on which a task found that it cannot boot (Exit::machine).
class SlurmBoots : public Boots {
 public:
  static constexpr int kMostSubmissions = 3;

  /// Submits the boots that are not under way. `plans` point into prepared.plan. `options` are sbatch's long options,
  /// as
  /// {"partition", "short"}; those of the time and of the memory are added where they are missing: `seconds`, an
  /// estimate of one boot (0: none, and the partition's limit holds), and what a guest takes.
  static Result<std::unique_ptr<SlurmBoots>> submit(const std::vector<const BootPlan*>& plans, const Prepared& prepared,
                                                    PackedRun packed, std::map<std::string, std::string> options,
                                                    double seconds);

  std::optional<Ended> next() override;
  bool all_ended() override;
  /// After a signal to this program the tasks go on, and a message says how to end them. Otherwise they are cancelled.
  void stop() override;

 private:
  struct Task {
    const BootPlan* plan = nullptr;
    std::size_t number = 0;  ///< of the boot in the plan
    std::string name;        ///< as "1234_5"; empty: none was submitted
    int submissions = 0;     ///< by this program
    int absences = 0;        ///< looks in a row at which the queue did not have it
  };

  SlurmBoots(PackedRun packed, std::map<std::string, std::string> options)
      : packed_(std::move(packed)), options_(std::move(options)) {}
  Result<void> submit_tasks(std::vector<Task*> tasks);
  Result<void> submit_array(const std::vector<Task*>& tasks);
  Result<void> note_submitted() const;
  /// Looks at the queue and submits again what was lost. What cannot be had is returned for a boot.
  std::optional<Ended> look_at_queue();
  std::optional<Ended> end(std::vector<Task>::iterator task, Result<BootRecord> boot);
  /// Says why nothing runs, when that has been so for some time.
  void tell_of_waiting(const std::map<std::string, std::string>& queued);
  std::string log_text(const Task& task) const;

  PackedRun packed_;
  std::map<std::string, std::string> options_;
  std::vector<Task> open_;        ///< without a result so far
  std::set<std::string> arrays_;  ///< submitted by this program
  std::set<std::string> bad_nodes_;
  double waiting_since_ = 0;  ///< since when none of the tasks runs, in seconds; 0: unknown
  double looked_ = 0;         ///< when, in seconds
  bool silent_ = false;
};

}  // namespace nslab
