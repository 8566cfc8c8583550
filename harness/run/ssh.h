// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "packed_run.h"

namespace nslab {

/// Machines that execute boots of a packed run by ssh(1), without a common file system: what is packed is sent to
/// ~/.cache/nslab/packed of each (or below its $XDG_CACHE_HOME), and what a boot ends with comes back. They need QEMU
/// and tar. ssh asks for nothing: keys and names are those of the user's ssh_config(5).
class SshMachines {
 public:
  /// A machine as ssh knows it, and how many boots it executes at once; 0: as many as it has cores and memory for.
  using Named = std::pair<std::string, int>;

  /// Sends the run to each machine and has it checked. Machines that cannot execute it are left out, with a message;
  /// Exit::machine when none is left. `config` is ssh's option -F; empty: the user's.
  static Result<std::unique_ptr<SshMachines>> connect(const std::vector<Named>& machines, PackedRun packed,
                                                      const Prepared& prepared, const std::string& config);

  /// Removes the run's folder from the machines; what runs share stays for the next one.
  ~SshMachines();

  /// Boots at once on all of them.
  unsigned places() const { return places_; }

  /// Executes one boot on the machine that is free. When that cannot be reached, or cannot boot, it is given no more,
  /// and another takes its place. For several threads at once, places() at the most.
  Result<BootRecord> execute(const BootPlan& plan);

 private:
  SshMachines(PackedRun packed, const Prepared& prepared, std::string config)
      : packed_(std::move(packed)), prepared_(prepared), config_(std::move(config)) {}
  std::vector<std::string> ssh(const std::string& machine, const std::string& command) const;
  Result<void> send(const std::string& machine);
  Result<int> check(const std::string& machine);
  std::string work(const std::string& arguments) const;
  /// Brings the files of boots that failed there to the run's own folder of failed boots, and says so.
  std::string fetch_failed(const std::string& machine) const;
  Result<BootRecord> execute_on(const std::string& machine, const BootPlan& plan);

  const PackedRun packed_;
  const Prepared& prepared_;
  const std::string config_;
  unsigned places_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> free_;  ///< a machine as often as it has places
  std::set<std::string> bad_;
  std::set<std::string> sent_to_;
  unsigned busy_ = 0;
};

}  // namespace nslab
