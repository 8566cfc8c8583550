// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "result.h"
#include "sample.h"

namespace SQLite {
class Database;
}

namespace nslab {

/// One complete boot, as it is stored: whole or not at all.
struct BootRecord {
  std::string kernel;       ///< model name
  std::string kernel_hash;  ///< hex
  std::uint64_t seed = 0;
  double wall_seconds = 0;  ///< from QEMU's start to its end
  std::string started;      ///< UTC, ISO 8601
  std::string finished;
  std::string manifest;  ///< JSON: QEMU's version and full command line, initramfs hash, host
  std::vector<Sample> samples;
  bool operator==(const BootRecord&) const = default;
};

/// The results of one folder: runs, boots and samples in one SQLite file (`nslab.sqlite`).
///
/// A boot and its samples are committed in one transaction with synchronous=FULL: after a kill -9 or a full disk the
/// file holds every boot that was reported as stored, and nothing of any other. Not safe for use by several threads.
class Store {
 public:
  /// Opens or creates `folder`/nslab.sqlite. Fails with Exit::user when the file is no store or of another version,
  /// with Exit::machine when the disk or the permissions do not let it.
  static Result<Store> open(const std::string& folder);
  /// Opens an existing store for reading. Fails with Exit::user when there is none.
  static Result<Store> open_existing(const std::string& folder);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// The newest run with this key that has boots missing. The key is the hash of all that a sample depends on besides
  /// kernel and seed: the plan, the initramfs, QEMU.
  Result<std::optional<RunRecord>> unfinished(const std::string& key);
  /// The run that unfinished() finds or, without one, a new run like `fresh`.
  Result<RunRecord> resume_or_begin(const std::string& key, const RunRecord& fresh);
  /// Begins a new run like `fresh`, even if there is an unfinished one.
  Result<RunRecord> begin(const std::string& key, const RunRecord& fresh);

  /// Commits the boot whole. A second boot of the same kernel and seed in a run is an error.
  Result<void> add(std::int64_t run, const BootRecord& boot);
  /// Marks the run finished at the given time (UTC, ISO 8601).
  Result<void> finish(std::int64_t run, const std::string& when);

  /// (kernel_hash, seed) of the boots already stored.
  Result<std::vector<std::pair<std::string, std::uint64_t>>> boots_done(std::int64_t run);

  /// (kernel, seconds from QEMU's start to its end) of every boot of an experiment with this TOML text, in all runs.
  Result<std::vector<std::pair<std::string, double>>> boot_seconds(const std::string& experiment_text);

  /// Runs are returned by all functions with the accelerator that their manifest names. Fails with Exit::user when a
  /// run has a meter or unit that this nslab does not know.
  Result<std::vector<RunRecord>> runs();
  /// By id, or the newest run when there is no id. Fails with Exit::user when there is none.
  Result<RunRecord> run(std::optional<std::int64_t> id);
  /// All samples of a run, ordered by kernel, depth, benchmark, seed.
  Result<std::vector<Sample>> samples(std::int64_t run);
  /// All boots of a run, ordered by kernel and seed, each with its samples, ordered by depth and benchmark.
  Result<std::vector<BootRecord>> boots(std::int64_t run);

 private:
  explicit Store(std::unique_ptr<SQLite::Database> database);
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace nslab
