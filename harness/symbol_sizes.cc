// SPDX-License-Identifier: GPL-2.0
#include "symbol_sizes.h"

#include <set>
#include <sstream>

#include "os.h"

namespace nslab {

Result<SymbolSizes> symbol_sizes(const std::filesystem::path& vmlinux) {
  const auto nm = run_captured({.argv = {"nm", "--print-size", "--defined-only", vmlinux.string()},
                                .folder = {},
                                .environment = {},
                                .output = {}});
  if (!nm) return nm.error();
  if (nm->status != 0) return machine_error("nm failed on {}:\n{}", vmlinux.string(), nm->output);
  SymbolSizes sizes;
  std::set<std::pair<std::string, std::string>> seen;
  std::istringstream lines(nm->output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string address;
    std::string size;
    std::string kind;
    std::string name;
    if (!(fields >> address >> size >> kind >> name) || !seen.emplace(address, size).second) continue;
    const std::uint64_t bytes = std::stoull(size, nullptr, 16);
    if (kind == "t" || kind == "T" || kind == "w" || kind == "W") sizes.text += bytes;
    if (kind == "d" || kind == "D" || kind == "r" || kind == "R") sizes.data += bytes;
    if (kind == "b" || kind == "B") sizes.bss += bytes;
  }
  return sizes;
}

}  // namespace nslab
