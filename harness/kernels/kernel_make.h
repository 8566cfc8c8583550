// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "clock.h"
#include "processes.h"
#include "resources.h"
#include "result.h"

namespace nslab {

/// The command that runs the kernel's own make for the source in `tree`, with all that it writes in `folder`, outside
/// of the tree. `arguments` are targets and options, as "olddefconfig" or "-j8". User, host, time and version are fixed
/// values, so that equal inputs give an equal kernel, to the bit, wherever it is built. `llvm` is Profile::llvm.
Command kernel_make(const std::filesystem::path& tree, const std::filesystem::path& folder,
                    const std::vector<std::string>& arguments, bool llvm = false);

/// How many compilations run at once when the user does not say: as many as there are cores, and as memory holds.
int default_build_jobs(const Resources& usable);

/// What there is to say where the folder's disk is next to full; nothing where it has room.
std::optional<std::string> full_disk_evidence(const std::filesystem::path& folder);

/// The error for a make that did not end with status 0, with the errors of compilers and make in what it printed, and
/// its last lines: other compilers go on for a while and print much after the error. Exit::machine when the output
/// tells of a missing tool or library, of a full disk, or of memory that did not suffice, or when make was killed;
/// `oom_evidence` is OomWatch's, `disk_evidence` full_disk_evidence()'s of the folder in which it was built. Otherwise
/// Exit::user: the table's own kernels build, so that what fails is somebody's patch, setting or source.
Error failed_make(const std::string& what, int wait_status, const std::string& output,
                  const std::optional<std::string>& oom_evidence = std::nullopt,
                  const std::optional<std::string>& disk_evidence = std::nullopt);

/// A configured kernel that is to be compiled.
struct Compilation {
  std::string label;                   ///< as "kernel multi (lean)"
  std::filesystem::path tree;          ///< the source
  std::filesystem::path folder;        ///< with .config; the log goes to build.log there
  std::uint64_t expected_objects = 0;  ///< to show the time left
  int lock = -1;                       ///< what the compilers hold on to as well
  int jobs = 0;                        ///< 0: default_build_jobs()
  bool llvm = false;                   ///< Profile::llvm
};

/// Compiles a kernel, and returns how many objects were compiled. Exit::user and Exit::machine as failed_make() has it;
/// Exit::machine, too, when the clock was set back meanwhile.
Result<std::uint64_t> compile_kernel(const Compilation& what, const ClockWatch& clock);

}  // namespace nslab
