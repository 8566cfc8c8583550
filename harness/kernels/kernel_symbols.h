// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace nslab {

struct KernelSymbol {
  std::uint64_t address;
  char type;  ///< as nm(1) prints it: 't' and 'T' are code
  std::string name;

  bool is_code() const { return type == 't' || type == 'T' || type == 'w' || type == 'W'; }
};

/// The symbols that a kernel carries for /proc/kallsyms, in its own order: by address. `elf` is an unpacked kernel for
/// x86-64 of 5.15 or later; it needs no symbol table. The format is that of scripts/kallsyms.c: of names, each symbol
/// is a length and so many codes of a table of 256 tokens; a marker for each 256th symbol; the addresses as distances
/// from a base, with CONFIG_KALLSYMS_BASE_RELATIVE. Exit::user when there are none (CONFIG_KALLSYMS=n), or in a format
/// of a later kernel's.
Result<std::vector<KernelSymbol>> read_kallsyms(std::string_view elf, const std::string& name);

/// The symbols of a System.map, or of what nm(1) prints. Exit::user with the number of a line that is none.
Result<std::vector<KernelSymbol>> parse_system_map(std::string_view text, const std::string& name);

/// The kernel with a symbol table of these symbols' code, behind what it had. All that is loaded stays where it was.
/// Exit::user when it is no ELF file for x86-64 with sections.
Result<std::string> with_symbol_table(std::string elf, const std::vector<KernelSymbol>& symbols,
                                      const std::string& name);

/// Whether the kernel has a symbol table of its own.
bool has_symbol_table(std::string_view elf);

}  // namespace nslab
