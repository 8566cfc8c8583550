// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "result.h"

namespace nslab {

/// Which folders each folder may include, beside itself. A folder that is no key may not be there.
using IncludeFlow = std::map<std::string, std::set<std::string>>;

/// What the C++ files of a tree of folders include of each other.
struct IncludeGraph {
  std::map<std::pair<std::string, std::string>, int> arrows;  ///< (includer's folder, header's folder) → includes
  std::vector<std::string> mistakes;                          ///< one sentence each, with file and line

  /// The arrows as lines "boot -> base 15", ordered by folder.
  std::string text() const;
};

/// Reads *.h and *.cc in each folder of `root`. Headers are found by their names alone, as the compiler finds them on
/// its include path: those that no folder has are the system's and are left out. Mistakes are an arrow that `flow` does
/// not allow, a folder that it does not know, an include by path ("../base/files.h"), and two headers of one name.
Result<IncludeGraph> read_include_graph(const std::filesystem::path& root, const IncludeFlow& flow);

}  // namespace nslab
