// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>

#include "kernel_table.h"
#include "outcomes.h"
#include "paths.h"
#include "result.h"

namespace nslab::lab {

/// The list's programs, linked statically and stripped, as FOLDER/NAME below the folder that is returned. Built from
/// the base's patched source, with the user's side of its headers, and kept in the cache by the hash of source,
/// compiler, C library and list. What does not build is not there; the folder's build.log says why. Builds wait for
/// each other by a lock, and appear by one rename. The headers cost a minute of two cores, once for each source.
/// Exit::machine when the headers cannot be made or nothing can be built.
Result<std::filesystem::path> build_selftests(const Paths& paths, const Base& base, const SelftestList& list);

}  // namespace nslab::lab
