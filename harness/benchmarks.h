// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// A file that a benchmark needs in the guest. An absolute path is the same on this host, where Debian's `package` has
/// it; any other is one of this project's own, built beside the guest's programs, and has no package.
struct GuestFile {
  std::string path;
  std::string package;
  auto operator<=>(const GuestFile&) const = default;
};

/// A benchmark as the guest program describes it: the one place where it is defined.
struct Benchmark {
  std::string name;
  std::string family;
  std::string description;  ///< one line: what it exercises in the kernel
  std::uint64_t iterations = 0;
  std::uint64_t warmup = 0;
  std::vector<GuestFile> files = {};  ///< besides the benchmark program: real programs, scripts
};

/// Asks the benchmark program itself (`micro --list`), sorted by name.
Result<std::vector<Benchmark>> list_benchmarks(const std::filesystem::path& program);

}  // namespace nslab
