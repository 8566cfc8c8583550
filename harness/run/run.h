// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiment.h"
#include "kernel_build.h"
#include "paths.h"
#include "plan.h"
#include "qemu.h"
#include "result.h"
#include "sample.h"

namespace nslab {

struct RunOptions {
  std::filesystem::path results;  ///< folder for the store
  int jobs = 0;                   ///< boots at once; 0: as many as cores
  std::string accelerator;        ///< "kvm", "tcg" or empty: what the meter asks for
  std::filesystem::path source;   ///< another 6.12 tarball or tree; empty: the base's own
  bool force_profile = false;     ///< measure on a profile that is not for measurement
  std::string fault;              ///< for tests: what every guest shall do wrong
};

/// Executes an experiment: builds what is missing, boots what is not yet stored, stores each boot as it ends. Of equal
/// experiments (same file, kernels, guest, QEMU) an unfinished one is continued.
///
/// Stops at the first boot that fails, with its error; boots under way then are finished and stored. Each failed boot's
/// plan, console and frames are kept under `results`/failed/.
Result<RunRecord> run_experiment(const Experiment& experiment, const Paths& paths, const RunOptions& options);

/// What run_experiment() would do, and how long its boots would take.
struct Forecast {
  struct OfKernel {
    Kernel kernel;
    bool built = false;
    BootPlan boot;  ///< the first of its boots: all have the same cells
  };
  std::vector<OfKernel> kernels;
  std::size_t boots = 0;
  std::size_t missing = 0;        ///< of these boots, those that no unfinished run has stored
  unsigned jobs = 1;              ///< boots at once
  std::size_t known_boots = 0;    ///< boots of the same experiment that are stored, from any of its runs
  std::optional<double> seconds;  ///< for the missing boots, from the known boots' durations; empty without any
};

/// The plan of an experiment and the time that its boots will take, going by those that the results folder has of the
/// same TOML file. Builds and boots nothing.
Result<Forecast> forecast(const Experiment& experiment, const Paths& paths, const RunOptions& options);

/// Boots at once: `wish`, or when that is 0 as many as there are cores and as the host's memory holds. Exit::machine
/// when the memory does not hold the wish, or not even one guest; it names the guest's memory and what would fit.
Result<unsigned> choose_jobs(int wish, int memory_mib, unsigned cores, std::uint64_t host_mib);

/// The accelerator for a meter, and the user's wish where there is one. Exit::user when they exclude each other;
/// Exit::machine when KVM is asked for and is absent or emulated. Never falls back silently.
Result<Accelerator> choose_accelerator(Meter meter, const std::string& wish);

}  // namespace nslab
