// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "result.h"

namespace nslab {

/// Where boots run, as the user says it with --on.
struct Machines {
  enum class Kind { here, slurm, ssh };
  Kind kind = Kind::here;
  std::map<std::string, std::string> slurm_options = {};  ///< sbatch's long options
  std::vector<std::pair<std::string, int>> hosts = {};    ///< SshMachines::Named
};

/// "" (here), "slurm", "slurm:partition=short,time=30", or "ssh:host1,user@host2*4" (four boots at once there).
/// Exit::user for anything else.
Result<Machines> machines_from(const std::string& text);

}  // namespace nslab
