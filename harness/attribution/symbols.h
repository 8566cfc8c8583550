// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace nslab {

/// A function of the kernel, or of a program or library in the guest.
struct FunctionName {
  std::string object;  ///< the file's name in the guest without its folder, as "libc.so.6"; empty: the kernel
  std::string name;    ///< as "copy_process"; "+0x1f30" where the file does not name the function that begins there
  bool operator==(const FunctionName&) const = default;
  auto operator<=>(const FunctionName&) const = default;
  /// As "copy_process" or "libc.so.6:fork".
  std::string shown() const { return object.empty() ? name : object + ":" + name; }
};

/// A function in an ELF file.
struct ElfFunction {
  std::uint64_t start;  ///< of the kernel an address, of a program the place in its file
  std::string name;
  bool label;  ///< of assembly: nothing says that it is a function
  bool operator==(const ElfFunction&) const = default;
};

/// An executable file's functions, sorted by their start, one for each; and its pages of code.
struct ElfCode {
  struct Page {
    std::uint64_t hash;  ///< page_hash()
    std::uint64_t offset;
  };
  std::vector<ElfFunction> functions;
  std::vector<Page> pages;               ///< of a program; the kernel's code is found by address
  std::vector<std::uint64_t> may_fault;  ///< addresses in the kernel whose faults it expects (__ex_table)
  std::uint64_t end = 0;                 ///< behind the last byte of the kernel's code
};

struct ElfFile;

/// Reads vmlinux, as open_elf() has opened it; `name` is for errors. Functions are what its symbol table calls so, and
/// labels of assembly outside of any function.
Result<ElfCode> read_kernel_code(const ElfFile& elf, const std::string& name);

/// Reads a program or library from its bytes. Its functions are those of its symbol tables, and those which only its
/// frame descriptions know (.eh_frame_hdr): Debian's files are stripped. Empty for what is no ELF file of this machine.
/// Exit::machine when it is one and damaged.
Result<ElfCode> read_program_code(std::string_view bytes, const std::string& name);

/// What the attribution plugin needs to know, and what its numbers mean.
struct SymbolTable {
  std::string text;                     ///< the plugin's file "symbols" (docs/attribution.md), but for its first lines
  std::vector<FunctionName> functions;  ///< by the ids that the plugin writes

  /// The whole file for a boot that measures so many repetitions in all its cells.
  std::string file(std::uint64_t repetitions) const;
};

/// Names for what has no function: code that belongs to no known file, what could not be placed on a path of calls, and
/// what is in tasks that were there when counting began.
inline constexpr const char* kOtherCode = "[other code]";
inline constexpr const char* kUnplaced = "[unplaced]";
inline constexpr const char* kEarlier = "[earlier task]";

/// The ids that mean no function, in the plugin's order.
const std::vector<FunctionName>& pseudo_functions();

/// Of a kernel and the initramfs that it boots with.
Result<SymbolTable> make_symbol_table(const std::filesystem::path& vmlinux, const std::filesystem::path& initramfs);

}  // namespace nslab
