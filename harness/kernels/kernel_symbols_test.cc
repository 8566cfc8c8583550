// SPDX-License-Identifier: GPL-2.0
#include "kernel_symbols.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "files.h"

namespace nslab {
namespace {

using testing::HasSubstr;

template <class T>
void append(std::string& bytes, T number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void align(std::string& bytes) { bytes.resize((bytes.size() + 7) / 8 * 8, '\0'); }

enum class Layout { addresses_first, names_first, no_percpu };

constexpr std::uint64_t kBase = 0xffffffff81000000;
constexpr int kCount = 1500;

std::string name_of_symbol(int i) {
  return "function_" + std::to_string(i) + (i % 700 == 0 ? std::string(200, 'z') : "");
}

/// What scripts/kallsyms.c makes of kCount symbols, with one token of several letters.
std::string kallsyms_of(Layout layout) {
  std::string addresses;
  for (int i = 0; i < kCount; ++i) {
    if (layout == Layout::no_percpu) {
      append(addresses, 16 * i);
    } else {
      append(addresses, i < 3 ? 8 * i : -1 - 16 * i);  // three of the CPU's own, then distances
    }
  }
  align(addresses);
  append(addresses, kBase);
  std::string names;
  append(names, std::uint64_t{kCount});
  std::string text;
  std::vector<std::uint32_t> markers;
  for (int i = 0; i < kCount; ++i) {
    if (i % 256 == 0) markers.push_back(static_cast<std::uint32_t>(text.size()));
    std::string name = (i % 2 == 0 ? "T" : "t") + name_of_symbol(i);
    name.replace(1, 8, "\x01");  // "function"
    if (name.size() >= 0x80) {
      text += static_cast<char>(0x80 | (name.size() & 0x7f));
      text += static_cast<char>(name.size() >> 7);
    } else {
      text += static_cast<char>(name.size());
    }
    text += name;
  }
  names += text;
  align(names);
  for (const std::uint32_t marker : markers) append(names, marker);
  align(names);
  std::string tokens;
  std::string index;
  for (int code = 0; code < 256; ++code) {
    append(index, static_cast<std::uint16_t>(tokens.size()));
    if (code == 1) tokens += "function";
    if (std::isalnum(code) != 0 || code == '_') tokens += static_cast<char>(code);
    tokens += '\0';
  }
  align(tokens);
  tokens += index;
  align(tokens);
  if (layout != Layout::addresses_first) names += std::string(4096, '\x12');  // the order by name, since 6.2
  const std::string before = std::string(4096, '\x11');
  return before + (layout == Layout::addresses_first ? addresses + names + tokens : names + tokens + addresses) +
         before;
}

TEST(Kallsyms, AreReadInEveryOrder) {
  for (const Layout layout : {Layout::addresses_first, Layout::names_first, Layout::no_percpu}) {
    const auto symbols = read_kallsyms(kallsyms_of(layout), "vmlinux");
    ASSERT_TRUE(symbols) << symbols.error().message;
    ASSERT_EQ(symbols->size(), kCount);
    for (int i = 3; i < kCount; ++i) {
      const KernelSymbol& symbol = symbols->at(i);
      EXPECT_EQ(symbol.name, name_of_symbol(i));
      EXPECT_EQ(symbol.type, i % 2 == 0 ? 'T' : 't');
      EXPECT_EQ(symbol.address, kBase + static_cast<std::uint64_t>(16 * i)) << i;
    }
    EXPECT_EQ(symbols->at(1).address, layout == Layout::no_percpu ? kBase + 16 : 8);
  }
}

TEST(Kallsyms, ThatAreBrokenAreNone) {
  const std::string whole = kallsyms_of(Layout::names_first);
  EXPECT_THAT(read_kallsyms("", "f").error().message, HasSubstr("f has no symbols for /proc/kallsyms"));
  for (std::size_t size = 0; size < whole.size(); size += 997) {
    const auto cut = read_kallsyms(whole.substr(0, size), "f");
    if (!cut) {
      EXPECT_EQ(cut.error().exit, Exit::user);
    }
  }
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string other = whole;
    for (int flips = 0; flips < 4; ++flips) other[random() % other.size()] = static_cast<char>(random());
    const auto symbols = read_kallsyms(other, "f");
    if (symbols) {
      EXPECT_EQ(symbols->size(), kCount);
    }
  }
}

TEST(SystemMap, IsAnAddressATypeAndANameALine) {
  const auto symbols = parse_system_map("ffffffff81000000 T _stext\n0000000000000010 d x.1\n", "map");
  ASSERT_TRUE(symbols) << symbols.error().message;
  ASSERT_EQ(symbols->size(), 2U);
  EXPECT_EQ(symbols->at(0).address, kBase);
  EXPECT_TRUE(symbols->at(0).is_code());
  EXPECT_EQ(symbols->at(1).name, "x.1");
  EXPECT_FALSE(symbols->at(1).is_code());
  for (const char* wrong : {"x T a\n", "12 T\n", "12 T \n", "12Ta\n", "ffffffffffffffff1 T a\n"})
    EXPECT_THAT(parse_system_map(wrong, "map").error().message, HasSubstr("map:1: '")) << wrong;
}

/// The address of the section with this name, of a program that is laid out as a kernel is.
std::uint64_t address_of_code(const std::string& elf) {
  Elf64_Ehdr head;
  std::memcpy(&head, elf.data(), sizeof head);
  for (std::size_t i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, elf.data() + head.e_shoff + i * sizeof section, sizeof section);
    if ((section.sh_flags & SHF_EXECINSTR) != 0 && section.sh_size > 0x100) return section.sh_addr;
  }
  return 0;
}

TEST(SymbolTable, IsPutBehindWhatThereWas) {
  const std::string elf = *read_file("/bin/true");  // Debian's programs have none
  ASSERT_FALSE(has_symbol_table(elf));
  const std::uint64_t code = address_of_code(elf);
  const auto with = with_symbol_table(
      elf, {{code, 'T', "global"}, {code + 16, 't', "local"}, {code, 'd', "data"}, {1, 'T', "nowhere"}}, "true");
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_TRUE(has_symbol_table(*with));
  EXPECT_EQ(with->substr(sizeof(Elf64_Ehdr), elf.size() - sizeof(Elf64_Ehdr)), elf.substr(sizeof(Elf64_Ehdr)));
  EXPECT_THAT(with->substr(elf.size()), HasSubstr(std::string("\0local\0global\0", 14)));
  EXPECT_THAT(with->substr(elf.size()), testing::Not(HasSubstr("nowhere")));
}

TEST(SymbolTable, NeedsAProgramForX8664WithSections) {
  std::string elf = *read_file("/bin/true");
  EXPECT_FALSE(with_symbol_table("", {}, "f"));
  EXPECT_FALSE(with_symbol_table(elf.substr(0, 100), {}, "f"));
  EXPECT_THAT(with_symbol_table(elf.substr(0, elf.size() / 2), {}, "f").error().message, HasSubstr("f is "));
  elf[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(with_symbol_table(elf, {}, "f").error().message, HasSubstr("f is no kernel for x86-64 with sections"));
}

}  // namespace
}  // namespace nslab
