// SPDX-License-Identifier: GPL-2.0
#include "elf_file.h"

namespace nslab {

Result<ElfFile> open_elf(std::string_view bytes, const std::string& name) {
  elf_version(EV_CURRENT);
  // libelf only reads them; its interface is older than const.
  ElfFile file{{elf_memory(const_cast<char*>(bytes.data()), bytes.size()), elf_end}, {}};
  if (!file.handle || elf_kind(file.handle.get()) != ELF_K_ELF) return machine_error("{} is no ELF file", name);
  std::size_t names = 0;
  if (elf_getshdrstrndx(file.handle.get(), &names) != 0) return file;
  file.sections.push_back({});  // section 0 is none
  for (Elf_Scn* at = elf_nextscn(file.handle.get(), nullptr); at != nullptr; at = elf_nextscn(file.handle.get(), at)) {
    ElfSection section{};
    const bool readable = gelf_getshdr(at, &section.header) != nullptr;
    const char* const text = readable ? elf_strptr(file.handle.get(), names, section.header.sh_name) : nullptr;
    section.name = text == nullptr ? "" : text;
    section.data = section.header.sh_type == SHT_NOBITS ? nullptr : elf_getdata(at, nullptr);
    file.sections.push_back(std::move(section));
  }
  return file;
}

}  // namespace nslab
