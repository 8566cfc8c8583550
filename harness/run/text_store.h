// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "explanations.h"
#include "result.h"
#include "sample.h"
#include "store.h"

namespace nslab {

/// One run with all that a store has of it.
struct StoredRun {
  RunRecord run;
  std::vector<BootRecord> boots;  ///< ordered by kernel, seed and condition; their samples by depth and benchmark
  std::vector<Explanation> explanations = {};  ///< of the headline cells, where functions were counted

  /// All samples, ordered by condition, kernel, depth, benchmark, seed.
  std::vector<Sample> samples() const;
  bool operator==(const StoredRun&) const = default;
};

/// The text form of one run: what is committed, so that a fresh clone has an answer before it has a kernel. Three or
/// four files in a folder, made to be read in a diff:
///
/// - run.json: the format's number, the run, how many boots and samples there are, the hash of each kernel, the members
///   of the guest's layout with the file that has them, and the manifest, with the experiment as a list of lines;
/// - boots.tsv: a line for each boot;
/// - samples.tsv: a line for each sample;
/// - functions.tsv, where functions were counted: a line for each Explanation.
///
/// run.json also has the SHA-256 of the others, so that files of two exports are never read as one run.
///
/// The .tsv files have a line of column names and then fields parted by tabs. Lines are sorted, and what is the same in
/// all of a boot's samples stands once, in boots.tsv: a run repeated with other samples changes just their lines.
///
/// QEMU's command line of a boot is left out. It is the manifest's with the boot's seed and files, which
/// write_text_run() checks; where the files lay is of no interest any more.

/// The files' content.
struct RunText {
  std::string run;
  std::string boots;
  std::string samples;
  std::string functions = {};  ///< empty: there is no such file
};

/// The run as text. Exit::user when it is not of the form described above.
Result<RunText> text_of_run(const StoredRun& run);

/// The run that a text has, strictly: whatever is not as text_of_run() makes it is Exit::user, with file and line. The
/// folder is that of the files, for the messages. Boots come without QEMU's command line.
Result<StoredRun> parse_run(const RunText& files, const std::filesystem::path& folder);

/// Writes the text form into `folder`, which is made when missing. Exit::user when the folder has a store or anything
/// of another experiment (other_run_in()), or when the run is not of the form described above; Exit::machine when the
/// folder cannot be written.
Result<void> write_text_run(const StoredRun& run, const std::filesystem::path& folder);

/// Reads it, as parse_run() does.
Result<StoredRun> read_text_run(const std::filesystem::path& folder);

/// Whether the folder has a run in its text form and no store.
bool is_text_run(const std::filesystem::path& folder);

/// A run of `folder`, by its number or else the newest, from a store or from the text form. Exit::user when there is
/// none.
Result<StoredRun> load_stored_run(const std::filesystem::path& folder, std::optional<std::int64_t> id);

}  // namespace nslab
