// SPDX-License-Identifier: GPL-2.0
#include "symbols.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "archives.h"
#include "elf_file.h"
#include "files.h"
#include "page_hash.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// Padding before a function, which is never executed; and where the linker's script puts several functions together.
bool names_no_code(std::string_view name) {
  return name.starts_with("__pfx_") || name.ends_with("text_start") || name.ends_with("text_end") ||
         name.ends_with("_thunk_array") || name == "_stext" || name == "_text" || name == "_etext" ||
         name == "_sinittext" || name == "_einittext";
}

/// A symbol that may be a function.
struct Candidate {
  std::uint64_t start;
  std::uint64_t size;
  bool function;  ///< or a label
  bool global;
  std::string name;
};

std::vector<Candidate> candidates(const ElfFile& elf) {
  std::vector<Candidate> found;
  for (const ElfSection& table : elf.sections) {
    if (table.data == nullptr || table.header.sh_entsize == 0) continue;
    if (table.header.sh_type != SHT_SYMTAB && table.header.sh_type != SHT_DYNSYM) continue;
    const auto count = table.header.sh_size / table.header.sh_entsize;
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(table.data, static_cast<int>(i), &symbol) == nullptr) break;
      const int type = GELF_ST_TYPE(symbol.st_info);
      if (type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC) continue;
      if (symbol.st_shndx >= elf.sections.size() ||
          (elf.sections[symbol.st_shndx].header.sh_flags & SHF_EXECINSTR) == 0)
        continue;
      const char* const name = elf_strptr(elf.handle.get(), table.header.sh_link, symbol.st_name);
      if (name == nullptr || *name == '\0' || names_no_code(name)) continue;
      found.push_back(
          {symbol.st_value, symbol.st_size, type != STT_NOTYPE, GELF_ST_BIND(symbol.st_info) != STB_LOCAL, name});
    }
  }
  return found;
}

/// One function for each start. Of several names a function's goes before a label's, a global one before a local one,
/// then the shorter one. A label within a function is none.
std::vector<ElfFunction> functions_of(std::vector<Candidate> found) {
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    const auto order = [](const Candidate& c) {
      return std::tuple(c.start, !c.function, !c.global, c.name.size(), std::string_view(c.name));
    };
    return order(a) < order(b);
  });
  std::vector<ElfFunction> functions;
  std::uint64_t end = 0;
  for (const Candidate& candidate : found) {
    if (!functions.empty() && functions.back().start == candidate.start) continue;
    if (!candidate.function && candidate.start < end) continue;
    functions.push_back({candidate.start, candidate.name, !candidate.function});
    if (candidate.function) end = std::max(end, candidate.start + candidate.size);
  }
  return functions;
}

/// Where functions begin by the sorted table in .eh_frame_hdr (Linux Standard Base, 10.6.2), as gcc and ld write it:
/// pairs of 32-bit distances from the section's address.
std::vector<std::uint64_t> described_starts(const ElfFile& elf) {
  std::vector<std::uint64_t> starts;
  for (const ElfSection& section : elf.sections) {
    if (section.name != ".eh_frame_hdr" || section.data == nullptr) continue;
    const auto* const bytes = static_cast<const unsigned char*>(section.data->d_buf);
    const std::size_t size = section.data->d_size;
    constexpr std::size_t kHead = 12;
    if (size < kHead || bytes[0] != 1 || bytes[2] != 0x03 || bytes[3] != 0x3b) continue;
    std::uint32_t count;
    std::memcpy(&count, bytes + 8, sizeof count);
    for (std::size_t at = kHead; count > 0 && at + 8 <= size; at += 8, --count) {
      std::int32_t distance;
      std::memcpy(&distance, bytes + at, sizeof distance);
      starts.push_back(section.header.sh_addr + static_cast<std::uint64_t>(std::int64_t{distance}));
    }
  }
  return starts;
}

/// A C++ name without its arguments, for which a table has no room: "nslab::micro::Measurement::repeat_with".
std::string readable(const std::string& name) {
  if (!name.starts_with("_Z")) return name;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, nullptr), std::free);
  if (!demangled) return name;
  std::string text;
  int depth = 0;
  for (const char c : std::string_view(demangled.get())) {
    if (c == '<' || c == '(') ++depth;
    if (depth == 0) text += c;
    if (c == '>' || c == ')') --depth;
  }
  // What stands behind the parameters: that a method changes nothing, and that the compiler made a copy.
  for (const char* behind : {" [clone", " const"}) text.erase(std::min(text.size(), text.find(behind)));
  // What comes before the name is what it returns.
  if (const auto blank = text.find_last_of(" "); blank != std::string::npos) text.erase(0, blank + 1);
  return text.empty() ? name : text;
}

/// What the plugin has to know of a kernel's function: the letters are the plugin's.
char role_of(const ElfFunction& function) {
  const std::string_view name = function.name;
  if (name == "asm_exc_int3" || name == "asm_exc_nmi" || name == "asm_exc_debug" || name == "asm_exc_overflow" ||
      name.starts_with("asm_sysvec_")) {
    return 'i';
  }
  if (name.starts_with("asm_exc_")) return 'f';
  if (name == "irq_entries_start" || name == "spurious_entries_start") return 'e';
  // Where a new task begins: in assembly, which calls a ret_from_fork() in C since Linux 6.6.
  if (name == "ret_from_fork_asm" || (name == "ret_from_fork" && function.label)) return 'n';
  if (name.starts_with("__x86_indirect_")) return 't';
  if (name == "begin_new_exec") return 'x';
  if (name == "x64_setup_rt_frame") return 's';
  if (name == "__x64_sys_rt_sigreturn" || name == "__do_sys_rt_sigreturn") return 'r';
  // Cold parts and assembly are entered and left at any place, and QEMU may leave an access to a device's registers.
  return function.label || name.ends_with(".cold") || name.find("apic") != std::string_view::npos ? '.' : '-';
}

/// Where the kernel's own code may fault: the first of the three distances of each entry in __ex_table.
std::vector<std::uint64_t> expected_faults(const ElfFile& elf) {
  constexpr std::size_t kEntry = 12;
  std::vector<std::uint64_t> places;
  for (const ElfSection& section : elf.sections) {
    if (section.name != "__ex_table" || section.data == nullptr) continue;
    for (std::size_t at = 0; at + kEntry <= section.data->d_size; at += kEntry) {
      std::int32_t distance;
      std::memcpy(&distance, static_cast<const char*>(section.data->d_buf) + at, sizeof distance);
      places.push_back(section.header.sh_addr + at + static_cast<std::uint64_t>(std::int64_t{distance}));
    }
  }
  return places;
}

}  // namespace

Result<ElfCode> read_kernel_code(const ElfFile& elf, const std::string& name) {
  ElfCode code;
  code.functions = functions_of(candidates(elf));
  for (const ElfSection& section : elf.sections) {
    if ((section.header.sh_flags & SHF_EXECINSTR) != 0) {
      code.end = std::max(code.end, section.header.sh_addr + section.header.sh_size);
    }
  }
  code.may_fault = expected_faults(elf);
  if (code.functions.empty()) return machine_error("{} has no symbols", name);
  return code;
}

Result<ElfCode> read_program_code(std::string_view bytes, const std::string& name) {
  ElfCode code;
  if (!bytes.starts_with("\177ELF")) return code;
  const ElfFile elf = TRY(open_elf(bytes, name));
  if (gelf_getclass(elf.handle.get()) != ELFCLASS64) return code;
  auto functions = functions_of(candidates(elf));
  std::set<std::uint64_t> known;
  for (const ElfFunction& function : functions) known.insert(function.start);
  for (const std::uint64_t start : described_starts(elf)) {
    if (known.insert(start).second) functions.push_back({start, "", false});
  }
  for (const ElfSection& section : elf.sections) {
    // Without functions of its own, as the table of jumps to other libraries.
    if ((section.header.sh_flags & SHF_EXECINSTR) != 0 && known.insert(section.header.sh_addr).second) {
      functions.push_back({section.header.sh_addr, section.name, true});
    }
  }

  // From addresses to places in the file, by the segments of code.
  std::size_t segments = 0;
  if (elf_getphdrnum(elf.handle.get(), &segments) != 0) return machine_error("{} is a damaged program", name);
  for (std::size_t i = 0; i < segments; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf.handle.get(), static_cast<int>(i), &segment) == nullptr) continue;
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    if (segment.p_offset > bytes.size() || segment.p_filesz > bytes.size() - segment.p_offset) {
      return machine_error("{} is cut short", name);
    }
    for (const ElfFunction& function : functions) {
      if (function.start < segment.p_vaddr || function.start >= segment.p_vaddr + segment.p_filesz) continue;
      const std::uint64_t place = function.start - segment.p_vaddr + segment.p_offset;
      code.functions.push_back(
          {place, function.name.empty() ? fmt::format("+{:#x}", place) : function.name, function.label});
    }
    for (std::uint64_t page = segment.p_offset / kPageBytes * kPageBytes; page < segment.p_offset + segment.p_filesz;
         page += kPageBytes) {
      // Behind the file's end the kernel fills a page with zeros.
      std::string content(bytes.substr(page, kPageBytes));
      content.resize(kPageBytes, '\0');
      code.pages.push_back({page_hash(content.data()), page});
    }
  }
  std::sort(code.functions.begin(), code.functions.end(),
            [](const ElfFunction& a, const ElfFunction& b) { return a.start < b.start; });
  return code;
}

const std::vector<FunctionName>& pseudo_functions() {
  static const std::vector<FunctionName> names = {{"", "[all]"},      {"", kOtherCode}, {"", kUnplaced}, {"", kEarlier},
                                                  {"", "[new task]"}, {"", "[exec]"},   {"", "[signal]"}};
  return names;
}

Result<SymbolTable> make_symbol_table(const fs::path& vmlinux, const fs::path& initramfs) {
  SymbolTable table;
  table.functions = pseudo_functions();
  const std::string bytes = TRY(read_file(vmlinux));
  const ElfFile elf = TRY(open_elf(bytes, vmlinux.string()));
  const ElfCode kernel = TRY(read_kernel_code(elf, vmlinux.string()));
  table.text = fmt::format("e {:x}\n", kernel.end);
  bool tasks_begin = false;
  for (const ElfFunction& function : kernel.functions) {
    const char role = role_of(function);
    tasks_begin = tasks_begin || role == 'n';
    table.text += fmt::format("k {:x} {}\n", function.start, role);
    table.functions.push_back({"", function.name});
  }
  if (!tasks_begin) {
    return machine_error(
        "{} has no ret_from_fork_asm or ret_from_fork in assembly, so that it is not known where a new "
        "task begins: the calls of this kernel cannot be counted",
        vmlinux.string());
  }
  for (const std::uint64_t place : kernel.may_fault) table.text += fmt::format("x {:x}\n", place);
  const auto files = TRY(read_cpio(initramfs));
  unsigned object = 0;
  std::set<std::uint64_t> pages;
  for (const ArchiveEntry& file : files) {
    const ElfCode code = TRY(read_program_code(file.content, file.path));
    if (code.pages.empty()) continue;
    for (const ElfFunction& function : code.functions) {
      table.text += fmt::format("f {} {:x}\n", object, function.start);
      table.functions.push_back({fs::path(file.path).filename().string(), readable(function.name)});
    }
    for (const ElfCode::Page& page : code.pages) {
      // Of pages that are the same, as in two copies of a library, the first stands for all.
      if (pages.insert(page.hash).second) table.text += fmt::format("p {:x} {} {:x}\n", page.hash, object, page.offset);
    }
    ++object;
  }
  table.text += "end\n";
  return table;
}

std::string SymbolTable::file(std::uint64_t repetitions) const {
  return fmt::format("nslab symbols 2\nw {}\n{}", repetitions, text);
}

}  // namespace nslab
