// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// Bytes by kind, summed over symbols: a kernel's sections are padded, so that size(1) shows no small difference.
/// String literals bear no symbol and are left out.
struct SymbolSizes {
  std::int64_t text = 0;
  std::int64_t data = 0;  ///< initialised, read-only data included
  std::int64_t bss = 0;

  std::int64_t sum() const { return text + data + bss; }
  SymbolSizes& operator+=(const SymbolSizes& other);
  friend SymbolSizes operator-(const SymbolSizes& a, const SymbolSizes& b) {
    return {a.text - b.text, a.data - b.data, a.bss - b.bss};
  }
  bool operator==(const SymbolSizes&) const = default;
};

/// What `nm --format=sysv --print-size` printed, summed for each file or member of an archive ("init/main.o"). Aliases
/// (one section, address and size) count once, sections that the linker discards do not count.
std::map<std::string, SymbolSizes> parse_symbol_sizes(const std::string& nm_output);

/// The sizes of a kernel, as its build leaves them in sizes.json.
struct KernelSize {
  SymbolSizes total;                            ///< of vmlinux
  std::int64_t bzimage = 0;                     ///< the compressed, bootable file
  std::map<std::string, std::int64_t> structs;  ///< sizeof of each of `measured_structs`
  std::map<std::string, SymbolSizes> objects;  ///< of each object file linked into vmlinux as a whole; not of libraries
};

/// The structs whose size is recorded: "pid", "pid_namespace", "task_struct".
const std::vector<std::string>& measured_structs();

/// Measures a finished build in its output folder, by nm(1) on vmlinux and vmlinux.a, and for the structs by a source
/// file that is compiled just as kernel/pid.c was.
Result<KernelSize> measure_kernel_size(const std::filesystem::path& build_folder);

std::string to_json(const KernelSize& size);
Result<KernelSize> read_kernel_size(const std::filesystem::path& sizes_json);

}  // namespace nslab
