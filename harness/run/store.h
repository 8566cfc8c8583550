// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "call_tree.h"
#include "explanation.h"
#include "result.h"
#include "sample.h"

namespace SQLite {
class Database;
}

namespace nslab {

/// One complete boot, as it is stored: whole or not at all.
///
/// Its key is the hash of all that its samples depend on: kernel, guest, QEMU, plan and seed (and for the time meter
/// the host). Boots with the same key are the same boot: it is stored once and may belong to several runs.
struct BootRecord {
  std::string kernel;       ///< model name
  std::string kernel_hash;  ///< hex
  std::uint64_t seed = 0;
  double wall_seconds = 0;  ///< from QEMU's start to its end
  std::string started;      ///< UTC, ISO 8601
  std::string finished;
  std::string manifest;  ///< JSON: QEMU's version and full command line, initramfs hash, host
  std::vector<Sample> samples;
  std::string key = {};  ///< hex; empty where it is not known (older stores, runs in text form)
  /// By depth and benchmark, pack()ed; empty where functions were not counted. add() takes them, boots() leaves them in
  /// the file: tree() reads one.
  std::map<std::pair<int, std::string>, std::string> trees = {};
  std::string condition = "quiet";  ///< by its name (condition.h)
  bool operator==(const BootRecord&) const = default;
};

/// The results of one folder: runs, boots and samples in one SQLite file (`nslab.sqlite`).
///
/// A boot and its samples are committed in one transaction, which is on the disk when add() returns (write-ahead log,
/// synchronous=FULL): after a kill -9 or a full disk the file holds every boot that was reported as stored, and nothing
/// of any other. Programs that read the file do not keep us from writing. Each run and boot has a digest over all that
/// is stored of it: what another program changed or removed since is refused when it is read (Exit::user), and no boot
/// is taken for measured that is not whole. Not safe for use by several threads.
/// docs/durability.md says what is promised, and how it is tested.
class Store {
 public:
  /// Opens or creates `folder`/nslab.sqlite; a file of format 2 to 6 is brought to today's. Fails with Exit::user
  /// when the file is no store or of another format, with Exit::machine when the disk or the permissions do not let it.
  static Result<Store> open(const std::string& folder);
  /// Opens an existing store for reading; the folder may be read-only. Fails with Exit::user when there is none.
  static Result<Store> open_existing(const std::string& folder);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// The newest run if it has this key, with the manifest of `fresh` unless it is finished; otherwise a new run like
  /// `fresh`. The key is the hash of the experiment's text and of its boots' keys.
  Result<RunRecord> continue_or_begin(const std::string& key, const RunRecord& fresh);
  /// Begins a new run like `fresh`.
  Result<RunRecord> begin(const std::string& key, const RunRecord& fresh);

  /// Makes the stored boots with these keys, of whatever run, boots of this run as well. Returns how many it was not
  /// the owner of before. Unknown and empty keys are passed over.
  Result<std::size_t> adopt(std::int64_t run, const std::vector<std::string>& keys);
  /// Which of these keys the store has a boot of.
  Result<std::set<std::string>> stored(const std::vector<std::string>& keys);

  enum class Added {
    stored,
    busy,  ///< another program has locked the file for more than 2 s: nothing is stored, the call may be repeated
  };
  /// Commits the boot whole, and forgets the failure that its run may have of it. A boot whose key is stored already is
  /// adopted. Another boot of the same kernel, seed and condition in a run
  /// is an error.
  Result<Added> add(std::int64_t run, const BootRecord& boot);
  /// Notes that a boot was tried and failed, in place of what was noted of it before.
  Result<Added> add_failure(std::int64_t run, const BootFailure& failure);
  /// Marks the run finished at the given time (UTC, ISO 8601).
  Result<void> finish(std::int64_t run, const std::string& when);

  /// Exit::machine when the file is no longer in its place: what is written to it would be lost, or be elsewhere than
  /// the user thinks. All that write look at this before.
  Result<void> check_place() const;

  /// (kernel, seconds from QEMU's start to its end) of every boot of an experiment with this TOML text, and of those
  /// with one of these keys, in all runs.
  Result<std::vector<std::pair<std::string, double>>> boot_seconds(const std::string& experiment_text,
                                                                   const std::vector<std::string>& keys);

  /// Runs are returned by all functions with the accelerator that their manifest names. Fails with Exit::user when a
  /// run has a meter or unit that this nslab does not know.
  Result<std::vector<RunRecord>> runs();
  /// By id; without one, the newest run that was gone through to its end (it is finished, or boots of it have failed),
  /// or if there is none the newest. Fails with Exit::user when there is none.
  Result<RunRecord> run(std::optional<std::int64_t> id);
  /// All samples of a run, ordered by condition, kernel, depth, benchmark, seed. Fails with Exit::user when one is
  /// impossible().
  Result<std::vector<Sample>> samples(std::int64_t run);
  /// All boots of a run, ordered by kernel, seed and condition, each with its samples, ordered by depth and benchmark.
  /// Fails as samples() does.
  Result<std::vector<BootRecord>> boots(std::int64_t run);
  /// The calls of one cell, of the stored boot with this key. Exit::user when there are none, or when they are not what
  /// was stored.
  Result<CallTree> tree(const std::string& key, int depth, const std::string& benchmark);
  /// The calls of all cells of a boot, as add() takes them.
  Result<std::map<std::pair<int, std::string>, std::string>> trees(const std::string& key);

  /// Keeps what a run's differences are made of, in place of what was kept before.
  Result<void> explain(std::int64_t run, const std::vector<Explanation>& explanations);
  /// In the order in which they were given; empty when there are none. Exit::user when they are not what was stored.
  Result<std::vector<Explanation>> explanations(std::int64_t run);

 private:
  explicit Store(std::unique_ptr<SQLite::Database> database);
  /// Changes one column of a run's row and seals it; what is damaged is not sealed anew.
  Result<void> change(std::int64_t run, const char* column, const std::string& value);
  std::unique_ptr<SQLite::Database> database_;
  std::pair<std::uint64_t, std::uint64_t> inode_;  ///< of the file as it was opened, with its device
};

}  // namespace nslab
