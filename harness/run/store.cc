// SPDX-License-Identifier: GPL-2.0
#include "store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>
#include <tuple>

#include "explanations.h"
#include "files.h"
#include "hash.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// The version of the file's format, which every change of the tables raises.
constexpr int kVersion = 7;
constexpr int kBusyMilliseconds = 2000;
constexpr int kApplicationId = 0x6e736c62;  // "nslb", as file(1) shows it

constexpr const char* kSchema = R"(
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  experiment TEXT NOT NULL,
  meter TEXT NOT NULL,
  unit TEXT NOT NULL,
  profile TEXT NOT NULL,
  base TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT NOT NULL DEFAULT '',
  manifest TEXT NOT NULL,
  boots_planned INTEGER NOT NULL
);
-- 'run' is the run that measured the boot.
CREATE TABLE boot (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  kernel TEXT NOT NULL,
  kernel_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  wall_seconds REAL NOT NULL,
  started TEXT NOT NULL,
  finished TEXT NOT NULL,
  manifest TEXT NOT NULL,
  UNIQUE (run, kernel_hash, seed)
);
CREATE TABLE sample (
  boot INTEGER NOT NULL REFERENCES boot(id),
  depth INTEGER NOT NULL,
  benchmark TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('ok', 'refused')),
  refusal TEXT NOT NULL,
  iterations INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  sum_first_half INTEGER NOT NULL,
  minimum INTEGER NOT NULL,
  median INTEGER NOT NULL,
  p90 INTEGER NOT NULL,
  maximum INTEGER NOT NULL,
  involuntary_switches INTEGER NOT NULL,
  layout TEXT NOT NULL,
  PRIMARY KEY (boot, depth, benchmark)
) WITHOUT ROWID;
)";

// From format 2, which is the tables above, to format 3. A new file goes all ways.
constexpr const char* kFromFormat2 = R"(
ALTER TABLE run ADD COLUMN measurable INTEGER NOT NULL DEFAULT 1;
UPDATE run SET measurable = profile NOT IN ('mini', 'debug');
ALTER TABLE boot ADD COLUMN key TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX boot_key ON boot(key) WHERE key <> '';
-- The boots of a run, measured by it or by another.
CREATE TABLE member (
  run INTEGER NOT NULL REFERENCES run(id),
  kernel_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  boot INTEGER NOT NULL REFERENCES boot(id),
  PRIMARY KEY (run, kernel_hash, seed)
) WITHOUT ROWID;
INSERT INTO member SELECT run, kernel_hash, seed, id FROM boot;
CREATE TABLE failure (
  run INTEGER NOT NULL REFERENCES run(id),
  kernel TEXT NOT NULL,
  seed INTEGER NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (run, kernel, seed)
) WITHOUT ROWID;
)";

// To format 4. The digests follow, by seal_all().
constexpr const char* kFromFormat3 = R"(
ALTER TABLE run ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE boot ADD COLUMN digest TEXT NOT NULL DEFAULT '';
)";

// To format 5: which functions executed a sample's instructions.
constexpr const char* kFromFormat4 = R"(
CREATE TABLE tree (
  boot INTEGER NOT NULL REFERENCES boot(id),
  depth INTEGER NOT NULL,
  benchmark TEXT NOT NULL,
  packed BLOB NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (boot, depth, benchmark)
) WITHOUT ROWID;
)";

// To format 6: what a run's differences are made of, as explanations_text() has it.
constexpr const char* kFromFormat5 = R"(
CREATE TABLE explanation (
  run INTEGER PRIMARY KEY REFERENCES run(id),
  lines TEXT NOT NULL,
  digest TEXT NOT NULL
);
)";

// To format 7: conditions. Boots that were stored before are of the only one that there was. Other tables refer to
// `boot` meanwhile, so that foreign keys must not be checked.
constexpr const char* kFromFormat6 = R"(
CREATE TABLE new_boot (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  kernel TEXT NOT NULL,
  kernel_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  condition TEXT NOT NULL,
  wall_seconds REAL NOT NULL,
  started TEXT NOT NULL,
  finished TEXT NOT NULL,
  manifest TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  UNIQUE (run, kernel_hash, seed, condition)
);
INSERT INTO new_boot SELECT id, run, kernel, kernel_hash, seed, 'quiet', wall_seconds, started, finished, manifest,
  key, digest FROM boot;
DROP TABLE boot;
ALTER TABLE new_boot RENAME TO boot;
CREATE UNIQUE INDEX boot_key ON boot(key) WHERE key <> '';
CREATE TABLE new_member (
  run INTEGER NOT NULL REFERENCES run(id),
  kernel_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  condition TEXT NOT NULL,
  boot INTEGER NOT NULL REFERENCES boot(id),
  PRIMARY KEY (run, kernel_hash, seed, condition)
) WITHOUT ROWID;
INSERT INTO new_member SELECT run, kernel_hash, seed, 'quiet', boot FROM member;
DROP TABLE member;
ALTER TABLE new_member RENAME TO member;
CREATE TABLE new_failure (
  run INTEGER NOT NULL REFERENCES run(id),
  kernel TEXT NOT NULL,
  seed INTEGER NOT NULL,
  condition TEXT NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (run, kernel, seed, condition)
) WITHOUT ROWID;
INSERT INTO new_failure SELECT run, kernel, seed, 'quiet', error FROM failure;
DROP TABLE failure;
ALTER TABLE new_failure RENAME TO failure;
)";

constexpr const char* kRunColumns =
    "SELECT id, experiment, meter, unit, profile, base, started, finished, manifest, boots_planned, "
    "(SELECT count(*) FROM member WHERE member.run = run.id), "
    "coalesce(CASE WHEN json_valid(manifest) THEN json_extract(manifest, '$.accelerator') END, 'unknown'), measurable, "
    "key, digest FROM run ";

Error changed(const SQLite::Database& database, const std::string& what) {
  return user_error("{} is damaged: {} is not what was stored; move the file away", database.getFilename(), what);
}

/// Over all that a run's row says. What somebody changed by another program does not have it.
std::string digest_of(const RunRecord& run, const std::string& key) {
  return Hasher()
      .part("key", key)
      .part("experiment", run.experiment)
      .part("meter", name_of(run.meter))
      .part("profile", run.profile)
      .part("measurable", run.measurable ? "yes" : "no")
      .part("base", run.base)
      .part("started", run.started)
      .part("finished", run.finished)
      .part("manifest", run.manifest)
      .part("boots planned", std::to_string(run.boots_planned))
      .hex();
}

/// Over all that a boot's row and its samples say.
std::string digest_of(const BootRecord& boot) {
  std::vector<const Sample*> samples;
  for (const Sample& sample : boot.samples) samples.push_back(&sample);
  std::sort(samples.begin(), samples.end(), [](const Sample* a, const Sample* b) {
    return std::tie(a->depth, a->benchmark) < std::tie(b->depth, b->benchmark);
  });
  Hasher hasher;
  hasher.part("kernel", boot.kernel).part("hash", boot.kernel_hash).part("seed", std::to_string(boot.seed));
  hasher.part("seconds", fmt::format("{}", boot.wall_seconds)).part("started", boot.started);
  if (boot.condition != "quiet") hasher.part("condition", boot.condition);  // older stores have digests without it
  hasher.part("finished", boot.finished).part("manifest", boot.manifest).part("key", boot.key);
  for (const Sample* s : samples) {
    hasher.part("sample", fmt::format("{} {} {} {} {} {} {} {} {} {}", s->depth, s->status == CellStatus::ok ? 1 : 0,
                                      s->iterations, s->sum, s->sum_first_half, s->minimum, s->median, s->p90,
                                      s->maximum, s->involuntary_switches));
    hasher.part("benchmark", s->benchmark).part("refusal", s->refusal).part("layout", s->layout);
  }
  return hasher.hex();
}

/// Over a cell's calls and whose they are.
std::string digest_of(const std::string& boot_key, int depth, const std::string& benchmark, const std::string& packed) {
  return Hasher()
      .part("boot", boot_key)
      .part("depth", std::to_string(depth))
      .part("benchmark", benchmark)
      .part("calls", packed)
      .hex();
}

/// Over what a run's differences are made of.
std::string digest_of(std::int64_t run, const std::string& explanations) {
  return Hasher().part("run", std::to_string(run)).part("explanations", explanations).hex();
}

/// A row of kRunColumns, whatever its digest.
Result<RunRecord> run_of(SQLite::Database& database, SQLite::Statement& row) {
  RunRecord run;
  run.id = row.getColumn(0).getInt64();
  run.experiment = row.getColumn(1).getString();
  run.meter = TRY(meter_of_run(run.id, row.getColumn(2).getString(), row.getColumn(3).getString()));
  run.profile = row.getColumn(4).getString();
  run.base = row.getColumn(5).getString();
  run.started = row.getColumn(6).getString();
  run.finished = row.getColumn(7).getString();
  run.manifest = row.getColumn(8).getString();
  run.boots_planned = row.getColumn(9).getInt();
  run.boots_done = row.getColumn(10).getInt();
  run.accelerator = row.getColumn(11).getString();
  run.measurable = row.getColumn(12).getInt() != 0;
  SQLite::Statement failures(
      database, "SELECT kernel, seed, error, condition FROM failure WHERE run = ? ORDER BY kernel, seed, condition");
  failures.bind(1, run.id);
  while (failures.executeStep()) {
    run.failures.push_back({failures.getColumn(0).getString(),
                            static_cast<std::uint64_t>(failures.getColumn(1).getInt64()),
                            failures.getColumn(2).getString(), failures.getColumn(3).getString()});
  }
  return run;
}

/// A row of kRunColumns, which must be what was stored.
Result<RunRecord> read_run(SQLite::Database& database, SQLite::Statement& row) {
  RunRecord run = TRY(run_of(database, row));
  // Which boots are its own is in no digest; how many there must be is.
  if (!run.finished.empty() && run.boots_done != run.boots_planned) {
    return changed(database,
                   fmt::format("run {}, which has {} boots of {},", run.id, run.boots_done, run.boots_planned));
  }
  if (digest_of(run, row.getColumn(13).getString()) == row.getColumn(14).getString()) return run;
  return changed(database, fmt::format("run {}", run.id));
}

/// Whoever changes a run's row seals it.
Result<void> seal_run(SQLite::Database& database, std::int64_t id) {
  SQLite::Statement query(database, std::string(kRunColumns) + "WHERE id = ?");
  query.bind(1, id);
  if (!query.executeStep()) return changed(database, fmt::format("run {}, which is no longer there,", id));
  SQLite::Statement update(database, "UPDATE run SET digest = ? WHERE id = ?");
  update.bind(1, digest_of(TRY(run_of(database, query)), query.getColumn(13).getString()));
  update.bind(2, id);
  update.exec();
  return {};
}

constexpr const char* kSelectSamples =
    "SELECT kernel, depth, benchmark, boot.seed, status, refusal, iterations, sum, sum_first_half, minimum, median, "
    "p90, "
    "maximum, involuntary_switches, layout, condition FROM boot JOIN sample ON sample.boot = boot.id WHERE boot.id = ? "
    "ORDER BY depth, benchmark";

Result<Sample> read_sample(const SQLite::Database& database, SQLite::Statement& row) {
  for (const int column : {1, 3, 6, 7, 8, 9, 10, 11, 12, 13}) {
    if (!row.getColumn(column).isInteger()) {
      return user_error("{} is damaged: a figure of a sample is no whole number; move the file away",
                        database.getFilename());
    }
  }
  const auto number = [&](int column) { return static_cast<std::uint64_t>(row.getColumn(column).getInt64()); };
  Sample sample;
  sample.kernel = row.getColumn(0).getString();
  const std::int64_t depth = row.getColumn(1).getInt64();
  sample.depth = static_cast<int>(std::clamp<std::int64_t>(depth, -1, 1000));  // what is clamped is impossible()
  sample.benchmark = row.getColumn(2).getString();
  sample.seed = number(3);
  sample.status = row.getColumn(4).getString() == "ok" ? CellStatus::ok : CellStatus::refused;
  sample.refusal = row.getColumn(5).getString();
  sample.iterations = number(6);
  sample.sum = number(7);
  sample.sum_first_half = number(8);
  sample.minimum = number(9);
  sample.median = number(10);
  sample.p90 = number(11);
  sample.maximum = number(12);
  sample.involuntary_switches = number(13);
  sample.layout = row.getColumn(14).getString();
  sample.condition = row.getColumn(15).getString();
  if (const auto why = impossible(sample); !why.empty()) {
    return user_error("{} is damaged: the sample of {} at depth {} on {} with seed {} {}; move the file away",
                      database.getFilename(), sample.benchmark, sample.depth, sample.kernel, sample.seed, why);
  }
  return sample;
}

/// A boot with its samples, ordered by depth and benchmark, whatever its digest, and the digest that the row has.
Result<std::pair<BootRecord, std::string>> boot_of(SQLite::Database& database, std::int64_t id) {
  SQLite::Statement query(database,
                          "SELECT kernel, kernel_hash, seed, wall_seconds, started, finished, manifest, key, digest, "
                          "condition FROM boot WHERE id = ?");
  query.bind(1, id);
  if (!query.executeStep()) return changed(database, "a boot, which is no longer there,");
  BootRecord boot;
  boot.kernel = query.getColumn(0).getString();
  boot.kernel_hash = query.getColumn(1).getString();
  boot.seed = static_cast<std::uint64_t>(query.getColumn(2).getInt64());
  boot.wall_seconds = query.getColumn(3).getDouble();
  boot.started = query.getColumn(4).getString();
  boot.finished = query.getColumn(5).getString();
  boot.manifest = query.getColumn(6).getString();
  boot.key = query.getColumn(7).getString();
  std::string digest = query.getColumn(8).getString();
  boot.condition = query.getColumn(9).getString();
  SQLite::Statement samples(database, kSelectSamples);
  samples.bind(1, id);
  while (samples.executeStep()) boot.samples.push_back(TRY(read_sample(database, samples)));
  return std::pair(std::move(boot), std::move(digest));
}

/// The boot, which must be what was stored.
Result<BootRecord> read_boot(SQLite::Database& database, std::int64_t id) {
  auto [boot, digest] = TRY(boot_of(database, id));
  if (digest_of(boot) == digest) return boot;
  return changed(database, fmt::format("the boot of {} with seed {}", boot.kernel, boot.seed));
}

std::vector<std::int64_t> ids_of(SQLite::Database& database, const char* select) {
  std::vector<std::int64_t> ids;
  SQLite::Statement query(database, select);
  while (query.executeStep()) ids.push_back(query.getColumn(0).getInt64());
  return ids;
}

/// Of a store that had no digests.
Result<void> seal_all(SQLite::Database& database) {
  for (const std::int64_t id : ids_of(database, "SELECT id FROM run")) TRY(seal_run(database, id));
  for (const std::int64_t id : ids_of(database, "SELECT id FROM boot")) {
    SQLite::Statement update(database, "UPDATE boot SET digest = ? WHERE id = ?");
    update.bind(1, digest_of(TRY(boot_of(database, id)).first));
    update.bind(2, id);
    update.exec();
  }
  return {};
}

/// Runs `work`; what SQLite throws comes back as an Error that names the file and what to do.
template <class Work>
auto guarded(SQLite::Database& database, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    const std::string& file = database.getFilename();
    switch (error.getErrorCode()) {
      case SQLITE_FULL:
      case SQLITE_IOERR:
        return machine_error(
            "cannot write {}: {}; make room on that disk and give the same command again: every boot "
            "stored so far is kept",
            file, error.what());
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return machine_error("{} is in use by another program; end it and give the same command again", file);
      case SQLITE_READONLY:
      case SQLITE_CANTOPEN:
      case SQLITE_PERM:
        return machine_error("cannot write {}: {}", file, error.what());
      case SQLITE_ERROR:  // a table that is not there
      case SQLITE_NOTADB:
      case SQLITE_CORRUPT:
      case SQLITE_CONSTRAINT:  // rows that belong together are there twice, or no longer
        return user_error("{} is damaged or no store of nslab: {}; move it away", file, error.what());
      default:
        return Error{Exit::bug, fmt::format("{}: {}", file, error.what())};
    }
  }
}

/// To the write-ahead log. A file system that does not let several programs share memory keeps the journal that it can
/// have. SQLite does not wait by itself until others let it change the journal.
void change_journal(SQLite::Database& database) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(kBusyMilliseconds);
  for (;;) {
    try {
      return void(database.exec("PRAGMA journal_mode = WAL"));
    } catch (const SQLite::Exception& error) {
      if (error.getErrorCode() != SQLITE_BUSY || Clock::now() > end) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// A path as SQLite's URIs have it.
std::string uri_path(const std::string& path) {
  std::string text;
  for (const char c : path) {
    const bool special = c == '%' || c == '?' || c == '#';
    text += special ? fmt::format("%{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return text;
}

/// The version of the format: today's, one that we can bring to it, or 0 for a file that has no tables yet.
Result<int> format_of(SQLite::Database& database) {
  const std::string& file = database.getFilename();
  if (database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0) return 0;
  if (database.execAndGet("PRAGMA application_id").getInt() != kApplicationId) {
    return user_error("{} is no store of nslab; move it away", file);
  }
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version < 2 || version > kVersion) {
    return user_error("{} has format {}, this nslab reads format {}; move it away or use the nslab that wrote it", file,
                      version, kVersion);
  }
  return version;
}

/// As guarded(), for writing that the caller repeats when another program has locked the file.
template <class Work>
Result<Store::Added> guarded_unless_locked(SQLite::Database& database, Work work) {
  return guarded(database, [&]() -> Result<Store::Added> {
    try {
      work();
      return Store::Added::stored;
    } catch (const SQLite::Exception& error) {
      if (error.getErrorCode() == SQLITE_BUSY || error.getErrorCode() == SQLITE_LOCKED) return Store::Added::busy;
      throw;
    }
  });
}

SQLite::Statement sample_insert(SQLite::Database& database) {
  return {database, "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
}

void insert_samples(SQLite::Database& database, std::int64_t boot, const std::vector<Sample>& samples) {
  SQLite::Statement insert = sample_insert(database);
  for (const Sample& sample : samples) {
    insert.reset();
    insert.bind(1, boot);
    insert.bind(2, sample.depth);
    insert.bind(3, sample.benchmark);
    insert.bind(4, sample.status == CellStatus::ok ? "ok" : "refused");
    insert.bind(5, sample.refusal);
    const std::uint64_t figures[] = {sample.iterations, sample.sum, sample.sum_first_half, sample.minimum,
                                     sample.median,     sample.p90, sample.maximum,        sample.involuntary_switches};
    for (int i = 0; i < 8; ++i) insert.bind(6 + i, static_cast<std::int64_t>(figures[i]));
    insert.bind(14, sample.layout);
    insert.exec();
  }
}

std::int64_t insert_boot(SQLite::Database& database, std::int64_t run, const BootRecord& boot) {
  SQLite::Statement insert(
      database,
      "INSERT INTO boot (run, kernel, kernel_hash, seed, wall_seconds, started, finished, manifest, key, "
      "digest, condition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, run);
  insert.bind(2, boot.kernel);
  insert.bind(3, boot.kernel_hash);
  insert.bind(4, static_cast<std::int64_t>(boot.seed));
  insert.bind(5, boot.wall_seconds);
  insert.bind(6, boot.started);
  insert.bind(7, boot.finished);
  insert.bind(8, boot.manifest);
  insert.bind(9, boot.key);
  insert.bind(10, digest_of(boot));
  insert.bind(11, boot.condition);
  insert.exec();
  const std::int64_t id = database.getLastInsertRowid();
  insert_samples(database, id, boot.samples);
  SQLite::Statement tree(database, "INSERT INTO tree VALUES (?, ?, ?, ?, ?)");
  for (const auto& [cell, packed] : boot.trees) {
    const auto& [depth, benchmark] = cell;
    tree.reset();
    tree.bind(1, id);
    tree.bind(2, depth);
    tree.bind(3, benchmark);
    tree.bind(4, packed.data(), static_cast<int>(packed.size()));
    tree.bind(5, digest_of(boot.key, depth, benchmark, packed));
    tree.exec();
  }
  return id;
}

/// Failures of boots that the run has by now.
void forget_failures(SQLite::Database& database, std::int64_t run) {
  SQLite::Statement forget(database,
                           "DELETE FROM failure WHERE run = ? AND EXISTS (SELECT 1 FROM member JOIN boot "
                           "ON boot.id = member.boot WHERE member.run = failure.run AND "
                           "boot.kernel = failure.kernel AND boot.seed = failure.seed AND "
                           "boot.condition = failure.condition)");
  forget.bind(1, run);
  forget.exec();
}

}  // namespace

namespace {

/// Device and inode of a file; zeros where there is none.
std::pair<std::uint64_t, std::uint64_t> inode_of(const std::string& file) {
  struct stat status = {};
  return ::stat(file.c_str(), &status) == 0 ? std::pair(status.st_dev, status.st_ino) : std::pair(0UL, 0UL);
}

/// SQLite takes a name that starts with "file:" for a URI, and what follows a '?' in it for settings.
std::string sqlite_name(const fs::path& file) { return file.is_absolute() ? file.string() : "./" + file.string(); }

}  // namespace

Store::Store(std::unique_ptr<SQLite::Database> database) : database_(std::move(database)) {
  inode_ = inode_of(database_->getFilename());
}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open_existing(const std::string& folder) {
  const fs::path file = fs::path(folder) / "nslab.sqlite";
  if (!is_there(file)) {
    return user_error("there are no results in {}: 'nslab run CONFIG' makes some, under results/NAME", folder);
  }
  // Readers make files beside a write-ahead log, and only those that may write remove them again. Where nobody can make
  // any, and no log is left, the file holds all.
  const bool writable = ::access(folder.c_str(), W_OK) == 0 && ::access(file.c_str(), W_OK) == 0;
  const bool alone = !writable && !is_there(file.string() + "-wal");
  std::unique_ptr<SQLite::Database> database;
  try {
    if (alone) {
      database = std::make_unique<SQLite::Database>(fmt::format("file:{}?immutable=1", uri_path(file.string())),
                                                    SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    } else {
      database = std::make_unique<SQLite::Database>(
          sqlite_name(file), writable ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY, kBusyMilliseconds);
    }
  } catch (const SQLite::Exception& error) {
    return machine_error("cannot open {}: {}", file.string(), error.what());
  }
  const auto version = guarded(*database, [&]() -> Result<int> { return format_of(*database); });
  if (!version) return version.error();
  if (*version < kVersion) return open(folder);
  return Store(std::move(database));
}

Result<Store> Store::open(const std::string& folder) {
  TRY(make_folders(folder));
  const std::string file = (fs::path(folder) / "nslab.sqlite").string();
  std::unique_ptr<SQLite::Database> database;
  try {
    database = std::make_unique<SQLite::Database>(sqlite_name(file), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                                                  kBusyMilliseconds);
  } catch (const SQLite::Exception& error) {
    return machine_error("cannot open {}: {}", file, error.what());
  }
  const auto prepared = guarded(*database, [&]() -> Result<void> {
    if (TRY(format_of(*database)) < kVersion) {
      SQLite::Transaction transaction(*database, SQLite::TransactionBehavior::IMMEDIATE);
      // Another nslab may have made the tables meanwhile.
      const int version = TRY(format_of(*database));
      if (version == 0) database->exec(kSchema);
      if (version < 3) database->exec(kFromFormat2);
      if (version < 4) database->exec(kFromFormat3);
      if (version < 5) database->exec(kFromFormat4);
      if (version < 6) database->exec(kFromFormat5);
      if (version < 7) database->exec(kFromFormat6);
      if (version < 4) TRY(seal_all(*database));
      database->exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
      database->exec(fmt::format("PRAGMA user_version = {}", kVersion));
      transaction.commit();
    }
    database->exec("PRAGMA foreign_keys = ON");
    change_journal(*database);
    database->exec("PRAGMA synchronous = FULL");
    return {};
  });
  if (!prepared) return prepared.error();
  return Store(std::move(database));
}

Result<RunRecord> Store::begin(const std::string& key, const RunRecord& fresh) {
  return guarded(*database_, [&]() -> Result<RunRecord> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement insert(
        *database_,
        "INSERT INTO run (key, experiment, meter, unit, profile, base, started, manifest, boots_planned, measurable) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const std::string texts[] = {key,           fresh.experiment, name_of(fresh.meter), fresh.unit(),
                                 fresh.profile, fresh.base,       fresh.started,        fresh.manifest};
    for (int i = 0; i < 8; ++i) insert.bind(1 + i, texts[i]);
    insert.bind(9, fresh.boots_planned);
    insert.bind(10, fresh.measurable ? 1 : 0);
    insert.exec();
    const std::int64_t id = database_->getLastInsertRowid();
    TRY(seal_run(*database_, id));
    transaction.commit();
    return run(id);
  });
}

Result<RunRecord> Store::continue_or_begin(const std::string& key, const RunRecord& fresh) {
  return guarded(*database_, [&]() -> Result<RunRecord> {
    SQLite::Statement newest(*database_, "SELECT id, key, finished FROM run ORDER BY id DESC LIMIT 1");
    if (!newest.executeStep() || newest.getColumn(1).getString() != key) return begin(key, fresh);
    const std::int64_t id = newest.getColumn(0).getInt64();
    if (newest.getColumn(2).getString().empty()) {
      newest.reset();
      TRY(change(id, "manifest", fresh.manifest));
    }
    return run(id);
  });
}

Result<std::size_t> Store::adopt(std::int64_t run, const std::vector<std::string>& keys) {
  return guarded(*database_, [&]() -> Result<std::size_t> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement insert(*database_,
                             "INSERT OR IGNORE INTO member SELECT ?, kernel_hash, seed, condition, id FROM boot "
                             "WHERE key = ? AND key <> ''");
    std::size_t adopted = 0;
    for (const std::string& key : keys) {
      insert.reset();
      insert.bind(1, run);
      insert.bind(2, key);
      adopted += static_cast<std::size_t>(insert.exec());
    }
    forget_failures(*database_, run);
    transaction.commit();
    return adopted;
  });
}

Result<std::set<std::string>> Store::stored(const std::vector<std::string>& keys) {
  return guarded(*database_, [&]() -> Result<std::set<std::string>> {
    std::set<std::string> found;
    SQLite::Statement query(*database_, "SELECT id FROM boot WHERE key = ? AND key <> ''");
    for (const std::string& key : keys) {
      query.reset();
      query.bind(1, key);
      if (!query.executeStep()) continue;
      TRY(read_boot(*database_, query.getColumn(0).getInt64()));
      found.insert(key);
    }
    return found;
  });
}

Result<void> Store::check_place() const {
  const std::string& file = database_->getFilename();
  if (inode_of(file) == inode_) return {};
  return machine_error(
      "{} was moved or removed while it was in use. What was stored is in the moved file; give the same command "
      "again, and the boots that are not in {} are measured",
      file, fs::path(file).parent_path().string());
}

Result<Store::Added> Store::add(std::int64_t run, const BootRecord& boot) {
  TRY(check_place());
  return guarded_unless_locked(*database_, [&] {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement same(*database_, "SELECT id FROM boot WHERE key = ? AND key <> ''");
    same.bind(1, boot.key);
    const bool known = same.executeStep();
    const std::int64_t id = known ? same.getColumn(0).getInt64() : insert_boot(*database_, run, boot);
    // Where two nslab run the same experiment here, as after somebody removed their lock, the other one was first.
    SQLite::Statement there(*database_,
                            "SELECT 1 FROM member WHERE run = ? AND kernel_hash = ? AND seed = ? AND boot = ?");
    there.bind(1, run);
    there.bind(2, boot.kernel_hash);
    there.bind(3, static_cast<std::int64_t>(boot.seed));
    there.bind(4, id);
    if (there.executeStep()) return;
    SQLite::Statement member(*database_, "INSERT INTO member VALUES (?, ?, ?, ?, ?)");
    member.bind(1, run);
    member.bind(2, boot.kernel_hash);
    member.bind(3, static_cast<std::int64_t>(boot.seed));
    member.bind(4, boot.condition);
    member.bind(5, id);
    member.exec();
    forget_failures(*database_, run);
    transaction.commit();
  });
}

Result<Store::Added> Store::add_failure(std::int64_t run, const BootFailure& failure) {
  TRY(check_place());
  return guarded_unless_locked(*database_, [&] {
    SQLite::Statement insert(*database_, "INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?)");
    insert.bind(1, run);
    insert.bind(2, failure.kernel);
    insert.bind(3, static_cast<std::int64_t>(failure.seed));
    insert.bind(4, failure.condition);
    insert.bind(5, failure.error);
    insert.exec();
  });
}

Result<void> Store::finish(std::int64_t run, const std::string& when) {
  TRY(check_place());
  return change(run, "finished", when);
}

Result<void> Store::change(std::int64_t run, const char* column, const std::string& value) {
  return guarded(*database_, [&]() -> Result<void> {
    TRY(this->run(run));
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement update(*database_, fmt::format("UPDATE run SET {} = ? WHERE id = ?", column));
    update.bind(1, value);
    update.bind(2, run);
    update.exec();
    TRY(seal_run(*database_, run));
    transaction.commit();
    return {};
  });
}

Result<std::vector<std::pair<std::string, double>>> Store::boot_seconds(const std::string& experiment_text,
                                                                        const std::vector<std::string>& keys) {
  using Durations = std::vector<std::pair<std::string, double>>;
  return guarded(*database_, [&]() -> Result<Durations> {
    Durations durations;
    const std::set<std::string> wanted(keys.begin(), keys.end());
    SQLite::Statement query(*database_,
                            "SELECT kernel, wall_seconds, boot.key, json_extract(run.manifest, '$.experiment') = ? "
                            "FROM boot JOIN run ON run.id = boot.run");
    query.bind(1, experiment_text);
    while (query.executeStep()) {
      if (query.getColumn(3).getInt() == 0 && !wanted.contains(query.getColumn(2).getString())) continue;
      durations.emplace_back(query.getColumn(0).getString(), query.getColumn(1).getDouble());
    }
    return durations;
  });
}

Result<std::vector<RunRecord>> Store::runs() {
  return guarded(*database_, [&]() -> Result<std::vector<RunRecord>> {
    std::vector<RunRecord> runs;
    SQLite::Statement query(*database_, std::string(kRunColumns) + "ORDER BY id");
    while (query.executeStep()) runs.push_back(TRY(read_run(*database_, query)));
    return runs;
  });
}

Result<RunRecord> Store::run(std::optional<std::int64_t> id) {
  return guarded(*database_, [&]() -> Result<RunRecord> {
    SQLite::Statement query(
        *database_,
        std::string(kRunColumns) + (id ? "WHERE id = ?"
                                       : "ORDER BY finished = '' AND NOT EXISTS "
                                         "(SELECT 1 FROM failure WHERE failure.run = run.id), id DESC LIMIT 1"));
    if (id) query.bind(1, *id);
    if (query.executeStep()) return read_run(*database_, query);
    return id ? user_error("there is no run {} in {}", *id, database_->getFilename())
              : user_error("there is no run in {}", database_->getFilename());
  });
}

Result<std::vector<Sample>> Store::samples(std::int64_t run) {
  std::vector<Sample> samples;
  for (BootRecord& boot : TRY(boots(run))) {
    std::move(boot.samples.begin(), boot.samples.end(), std::back_inserter(samples));
  }
  const auto order = [](const Sample& s) { return std::tie(s.condition, s.kernel, s.depth, s.benchmark, s.seed); };
  std::sort(samples.begin(), samples.end(), [&](const Sample& a, const Sample& b) { return order(a) < order(b); });
  return samples;
}

Result<std::vector<BootRecord>> Store::boots(std::int64_t run) {
  return guarded(*database_, [&]() -> Result<std::vector<BootRecord>> {
    std::vector<BootRecord> boots;
    SQLite::Statement query(*database_,
                            "SELECT member.boot, member.kernel_hash, member.seed, member.condition FROM member LEFT "
                            "JOIN boot ON boot.id = member.boot WHERE member.run = ? "
                            "ORDER BY kernel, boot.seed, boot.condition");
    query.bind(1, run);
    while (query.executeStep()) {
      boots.push_back(TRY(read_boot(*database_, query.getColumn(0).getInt64())));
      const BootRecord& boot = boots.back();
      if (boot.kernel_hash != query.getColumn(1).getString() || boot.condition != query.getColumn(3).getString() ||
          boot.seed != static_cast<std::uint64_t>(query.getColumn(2).getInt64())) {
        return changed(*database_, fmt::format("which boots run {} has", run));
      }
    }
    return boots;
  });
}

Result<CallTree> Store::tree(const std::string& key, int depth, const std::string& benchmark) {
  return guarded(*database_, [&]() -> Result<CallTree> {
    SQLite::Statement query(*database_,
                            "SELECT packed, tree.digest, boot.id FROM boot JOIN tree ON tree.boot = boot.id "
                            "WHERE key = ? AND key <> '' AND depth = ? AND benchmark = ?");
    query.bind(1, key);
    query.bind(2, depth);
    query.bind(3, benchmark);
    if (!query.executeStep()) {
      return user_error("{} has no calls of {} at depth {}: they are counted where 'attribution' is true",
                        database_->getFilename(), benchmark, depth);
    }
    const std::string packed = query.getColumn(0).getString();
    CallTree tree = TRY(unpack(packed));
    const BootRecord boot = TRY(read_boot(*database_, query.getColumn(2).getInt64()));
    const bool same = std::any_of(boot.samples.begin(), boot.samples.end(), [&](const Sample& sample) {
      return sample.depth == depth && sample.benchmark == benchmark && sample.sum == tree.sum();
    });
    if (same && digest_of(key, depth, benchmark, packed) == query.getColumn(1).getString()) return tree;
    return changed(*database_, fmt::format("the tree of calls of {} at depth {}", benchmark, depth));
  });
}

Result<std::map<std::pair<int, std::string>, std::string>> Store::trees(const std::string& key) {
  using Trees = std::map<std::pair<int, std::string>, std::string>;
  return guarded(*database_, [&]() -> Result<Trees> {
    Trees trees;
    SQLite::Statement query(*database_,
                            "SELECT depth, benchmark, packed, tree.digest FROM boot JOIN tree ON tree.boot = boot.id "
                            "WHERE key = ? AND key <> ''");
    query.bind(1, key);
    while (query.executeStep()) {
      const int depth = query.getColumn(0).getInt();
      const std::string benchmark = query.getColumn(1).getString();
      std::string packed = query.getColumn(2).getString();
      if (digest_of(key, depth, benchmark, packed) != query.getColumn(3).getString()) {
        return changed(*database_, fmt::format("the tree of calls of {} at depth {}", benchmark, depth));
      }
      trees.emplace(std::pair(depth, benchmark), std::move(packed));
    }
    return trees;
  });
}

Result<void> Store::explain(std::int64_t run, const std::vector<Explanation>& explanations) {
  TRY(check_place());
  return guarded(*database_, [&]() -> Result<void> {
    const std::string lines = explanations_text(explanations);
    SQLite::Statement insert(*database_, "INSERT OR REPLACE INTO explanation VALUES (?, ?, ?)");
    insert.bind(1, run);
    insert.bind(2, lines);
    insert.bind(3, digest_of(run, lines));
    insert.exec();
    return {};
  });
}

Result<std::vector<Explanation>> Store::explanations(std::int64_t run) {
  return guarded(*database_, [&]() -> Result<std::vector<Explanation>> {
    SQLite::Statement query(*database_, "SELECT lines, digest FROM explanation WHERE run = ?");
    query.bind(1, run);
    if (!query.executeStep()) return std::vector<Explanation>{};
    const std::string lines = query.getColumn(0).getString();
    if (digest_of(run, lines) != query.getColumn(1).getString()) {
      return changed(*database_, fmt::format("what the differences of run {} are made of", run));
    }
    return parse_explanations(lines, database_->getFilename());
  });
}

}  // namespace nslab
