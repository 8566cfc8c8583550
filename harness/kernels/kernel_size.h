// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "result.h"

namespace nslab {

/// Bytes of code and data, as sums over symbols. Sections are padded, so that size(1), which reads them, does not show
/// small differences. String literals have no symbol and are not counted.
struct SymbolSizes {
  std::int64_t text = 0;
  std::int64_t data = 0;  ///< initialised data, including what is read-only
  std::int64_t bss = 0;

  std::int64_t sum() const { return text + data + bss; }
  SymbolSizes& operator+=(const SymbolSizes& other);
  friend SymbolSizes operator-(const SymbolSizes& a, const SymbolSizes& b) {
    return {a.text - b.text, a.data - b.data, a.bss - b.bss};
  }
  bool operator==(const SymbolSizes&) const = default;
};

/// Adds up what `nm --format=sysv --print-size` printed, for each file or archive member ("init/main.o"). Symbols with
/// the same section, address and size are aliases and count once. Symbols in sections that the linker discards do not
/// count.
std::map<std::string, SymbolSizes> parse_symbol_sizes(const std::string& nm_output);

/// The sizes of a kernel in bytes, which its build writes to sizes.json.
struct KernelSize {
  SymbolSizes total;                            ///< of vmlinux
  std::int64_t bzimage = 0;                     ///< of the compressed, bootable file
  std::map<std::string, std::int64_t> structs;  ///< sizeof of each of measured_structs()
  /// Of each object file that is linked into vmlinux as a whole. Libraries are missing: the linker takes parts of them.
  std::map<std::string, SymbolSizes> objects;
};

/// The structs whose size is recorded: "pid", "pid_namespace", "task_struct".
const std::vector<std::string>& measured_structs();

/// Measures a finished build in its folder. Symbols come from nm(1) on vmlinux and vmlinux.a. Structs are measured by a
/// small source file, which is compiled with the very command that compiled kernel/pid.c. Exit::machine when nm or that
/// command fails.
Result<KernelSize> measure_kernel_size(const std::filesystem::path& build_folder);

std::string to_json(const KernelSize& size);
/// Exit::user when the file is missing, Exit::machine when it is damaged.
Result<KernelSize> read_kernel_size(const std::filesystem::path& sizes_json);

}  // namespace nslab
