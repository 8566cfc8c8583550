// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// One patch of a series.
struct Patch {
  std::string name;     ///< of its file
  std::string content;  ///< as patch(1) takes it, without the message: another wording makes no other kernel
};

/// The patches of `folder`, in the order that its file `series` names them in, one a line; empty lines and lines that
/// start with '#' are skipped. Exit::user when a file is missing.
Result<std::vector<Patch>> read_series(const std::filesystem::path& folder);

/// The hash of an unmodified source: of a tarball's bytes, or of a tree's names and contents. Reads all of it, which
/// takes half a second for the 150 MB of Debian's tarball. Exit::machine when there is no such source.
Result<std::string> hash_source(const std::filesystem::path& source);

/// Makes a source tree in `folder`, which is there and empty: unpacks the tarball `source`, or copies the tree `source`
/// and cleans the copy, and applies the patches. `hash` is what hash_source() said: a source that has been changed
/// since is refused, also when that happens while it is read. .git is left out. A patch applies exactly or not at all:
/// no fuzz. An empty `version` is any. Exit::user when the source is not of Linux `version`, or a patch does not apply,
/// with its name.
Result<void> make_source_tree(const std::filesystem::path& source, const std::string& version, const std::string& hash,
                              const std::vector<Patch>& patches, const std::filesystem::path& folder);

}  // namespace nslab
