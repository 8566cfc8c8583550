// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <gelf.h>
#include <libelf.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace nslab {

struct ElfSection {
  GElf_Shdr header;
  std::string name;
  Elf_Data* data;  ///< nullptr where the file has none of it
};

/// An ELF file in memory, which must stay there.
struct ElfFile {
  std::unique_ptr<Elf, decltype(&elf_end)> handle;
  std::vector<ElfSection> sections;  ///< by their number; empty when there are none
};

/// Exit::machine when the bytes are no ELF file.
Result<ElfFile> open_elf(std::string_view bytes, const std::string& name);

}  // namespace nslab
