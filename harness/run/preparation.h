// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accelerator.h"
#include "benchmarks.h"
#include "cpus.h"
#include "experiment.h"
#include "image.h"
#include "kernel_build.h"
#include "kernel_table.h"
#include "paths.h"
#include "plan.h"
#include "qemu.h"
#include "result.h"
#include "store.h"

namespace nslab {

struct RunOptions {
  std::filesystem::path results;  ///< folder for the store
  int jobs = 0;                   ///< boots at once; 0: as many as cores
  std::string accelerator;        ///< "kvm", "tcg" or empty: what the meter asks for
  std::filesystem::path source;   ///< another 6.12 tarball or tree; empty: the base's own
  bool force_profile = false;     ///< measure on a profile that is not for measurement
  std::string machines;           ///< where boots run: machines.h; empty: here
  std::string ssh_config;         ///< ssh's option -F; empty: the user's
  std::string cpus;               ///< for timed guests, as "2,4-7"; empty: all that this process may use
  bool fifo = false;              ///< timed vCPUs have a priority that no ordinary program takes the CPU from
  std::string fault;              ///< for tests: what guests shall do wrong, as "panic" or "multi:panic" (one kernel's)
  std::string preload;            ///< for tests: a library that QEMU loads first; empty: none
};

/// An experiment unfolded: all that is known before a kernel is built and a guest boots.
struct Prepared {
  Experiment experiment;
  Base base;
  Profile profile;
  Accelerator accelerator = Accelerator::icount;
  std::string qemu;              ///< its version
  std::string qemu_fingerprint;  ///< qemu_fingerprint()
  std::vector<Benchmark> benchmarks;
  std::vector<BootPlan> plan;
  unsigned jobs = 1;  ///< boots at once
  Image image;
  std::vector<std::string> command = {};  ///< QEMU's, with placeholders for the files
  std::vector<KernelSpec> specs = {};
  std::map<std::string, Kernel> kernels = {};  ///< where they are or will be, by model
  std::string preload = {};                    ///< as in the options
  std::filesystem::path plugins = {};          ///< the folder of what QEMU loads
  std::string attribution_hash = {};           ///< SHA-256 of attribution.so; empty: functions are not counted
  GuestMemory memory = GuestMemory::on_demand;
  std::optional<int> node = {};             ///< of memory, for timed guests: CpuPlace::node
  std::shared_ptr<FreePlaces> places = {};  ///< for timed guests; none: they are not timed
  std::string cpus = {};                    ///< as in the options
  bool fifo = false;                        ///< likewise
};

/// Checks all that an experiment needs and packs the guest's initramfs. Builds no kernel and boots nothing. Exit::user
/// for what the experiment or the options get wrong, Exit::machine for what this machine lacks.
Result<Prepared> prepare(const Experiment& experiment, const Paths& paths, const RunOptions& options);

/// Sets what follows from all else of it and from this machine: QEMU's command line, the plugin's hash, where timed
/// guests run, and the key of each boot. Exit::machine when a plugin is missing, or a core for each boot at once.
Result<void> complete(Prepared& prepared);

/// The keys of all boots, in the order of the plan.
std::vector<std::string> boot_keys(const Prepared& prepared);
/// The hash of the boots' keys and of the experiment's text: the key of a run that may be continued.
std::string run_key(const Prepared& prepared);

/// The plan's boots that the store does not have, from whatever run; as pointers into `prepared`.
Result<std::vector<const BootPlan*>> missing_boots(const Prepared& prepared, Store& store);

/// What run_experiment() would do, and how long its boots would take.
struct Forecast {
  struct OfKernel {
    Kernel kernel;
    bool built = false;
    BootPlan boot;  ///< the first of its boots: all have the same cells
  };
  std::vector<OfKernel> kernels;
  std::size_t boots = 0;
  std::size_t missing = 0;              ///< of these boots, those that are not stored
  unsigned jobs = 1;                    ///< boots at once
  std::size_t known_boots = 0;          ///< boots of the same experiment whose durations are known
  std::filesystem::path known_in = {};  ///< the folder that has them: the results, or the reference run
  std::string other_machine = {};       ///< where they are of another machine: its CPU and cores
  double seconds_a_boot = 0;            ///< of the known boots' durations, their mean; 0 without any
  std::optional<double> seconds;        ///< for the missing boots, from the known boots' durations; empty without any
};

/// The plan of an experiment and the time that its boots will take, going by those that the results folder has of the
/// same TOML file, or without any by those of the reference run that has its name and was made from the same file.
/// Builds and boots nothing.
Result<Forecast> forecast(const Prepared& prepared, const Paths& paths, const RunOptions& options);

}  // namespace nslab
