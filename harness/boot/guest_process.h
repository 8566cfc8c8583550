// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "boot.h"
#include "processes.h"
#include "qemu.h"
#include "resources.h"
#include "result.h"

namespace nslab {

/// Puts a file where QEMU reads it, for all to be read: by a second name, or as a copy where the folder is on another
/// disk, or where the caller's umask lets nobody read it.
Result<void> place_for_qemu(const std::filesystem::path& file, const std::filesystem::path& name);

/// The group of /dev/kvm; -1: there is no such device.
int group_of_kvm();

/// A QEMU that was started with a plan, in its folder, confined (docs/durability.md).
class GuestProcess {
 public:
  /// Puts what QEMU reads into settings.folder and starts it, with more words on its command line and descriptors that
  /// it inherits. Exit::machine when that cannot be done.
  static Result<GuestProcess> start(const BootPlan& plan, const BootSettings& settings,
                                    const std::vector<std::string>& more = {}, const std::vector<int>& inherited = {});

  /// The wait status once QEMU has ended, waiting at most so long. An error for what ends the boot: the program's end
  /// is asked for, the wall limit is over, or the guest floods its output.
  Result<std::optional<int>> wait_for(double seconds);
  /// The exit code of a QEMU that has ended, or what happened: a signal, a splat on the console, the watchdog, QEMU's
  /// own complaint.
  Result<int> exit_code(int wait_status) const;
  /// Exit::says_no with the kernel's name, the seed and the console's last lines.
  Error failure(const std::string& what) const;

  const BootFiles& files() const { return files_; }
  const std::vector<std::string>& command() const { return command_; }
  double seconds() const;  ///< since its start
  int pid() const { return qemu_.pid(); }

 private:
  GuestProcess(std::string name, BootFiles files, std::vector<std::string> command, double wall_limit,
               std::filesystem::path log, std::unique_ptr<OomWatch> oom, Process qemu);

  std::string name_;  ///< "multi, seed 3"
  BootFiles files_;
  std::vector<std::string> command_;
  double wall_limit_;
  double start_;
  std::filesystem::path log_;
  std::unique_ptr<OomWatch> oom_killer_;
  Process qemu_;
};

}  // namespace nslab
