// SPDX-License-Identifier: GPL-2.0
#include "kernel_symbols.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "binary.h"
#include "text.h"

namespace nslab {

namespace {

constexpr std::size_t kTokens = 256;
constexpr std::size_t kSymbolsToAMarker = 256;
constexpr std::size_t kMostSymbols = 1 << 20;
constexpr std::size_t kFewestSymbols = 1000;

std::size_t aligned(std::size_t at) { return (at + 7) / 8 * 8; }

struct Tokens {
  std::size_t begin;  ///< of the tokens
  std::size_t end;    ///< of their index
  std::array<std::string_view, kTokens> text;
};

/// The tokens that stand at `begin`, if they are followed by the index that says so.
std::optional<Tokens> tokens_at(std::string_view bytes, std::size_t begin) {
  Tokens tokens{begin, 0, {}};
  std::array<std::size_t, kTokens> starts{};
  std::size_t at = begin;
  for (std::size_t code = 0; code < kTokens; ++code) {
    const std::size_t end = bytes.find('\0', at);
    if (end == std::string_view::npos) return std::nullopt;
    starts.at(code) = at - begin;
    tokens.text.at(code) = bytes.substr(at, end - at);
    at = end + 1;
  }
  at = aligned(at);
  for (const std::size_t start : starts) {
    if (number_at<std::uint16_t>(bytes, at) != start) return std::nullopt;
    at += sizeof(std::uint16_t);
  }
  tokens.end = at;
  return tokens;
}

/// Digits are in names, and so each is a token of its own, at its own code.
std::optional<Tokens> find_tokens(std::string_view bytes) {
  using std::string_view_literals::operator""sv;
  constexpr auto kDigits = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009\0"sv;
  for (auto digits = bytes.find(kDigits); digits != std::string_view::npos; digits = bytes.find(kDigits, digits + 1)) {
    // Back to the second token: each of those before ends in a zero.
    std::size_t second = digits;
    for (std::size_t code = '0'; code > 1 && second > 0; --code) {
      --second;
      while (second > 0 && bytes[second - 1] != '\0') --second;
    }
    // Where the first one begins, only the index behind the last one tells: what stands before need not end in a zero.
    std::size_t end = second;
    for (std::size_t code = 1; code < kTokens && end != std::string_view::npos; ++code) {
      end = bytes.find('\0', end);
      if (end != std::string_view::npos) ++end;
    }
    if (end == std::string_view::npos) continue;
    const std::size_t first_length = number_at<std::uint16_t>(bytes, aligned(end) + sizeof(std::uint16_t));
    if (first_length > second) continue;
    const std::size_t begin = second - first_length;
    if (auto tokens = tokens_at(bytes, begin)) return tokens;
  }
  return std::nullopt;
}

struct Names {
  std::size_t begin;               ///< of the number of symbols
  std::vector<std::string> names;  ///< the type before each
};

/// The names that stand at `begin`, behind their number, if the markers that follow them say the same.
std::optional<Names> names_at(std::string_view bytes, std::size_t begin, const Tokens& tokens) {
  const auto count = number_at<std::uint64_t>(bytes, begin);  // 32 bits and padding
  if (count < kFewestSymbols || count > kMostSymbols) return std::nullopt;
  constexpr std::string_view kTypes = "aAbBdDnNrRtTuUvVwW?";
  Names found{begin, {}};
  std::vector<std::size_t> marked;
  const std::size_t first = begin + sizeof(std::uint64_t);
  std::size_t at = first;
  for (std::size_t symbol = 0; symbol < count; ++symbol) {
    if (symbol % kSymbolsToAMarker == 0) marked.push_back(at - first);
    if (at + 2 > bytes.size()) return std::nullopt;
    std::size_t length = static_cast<unsigned char>(bytes[at++]);
    if (length >= 0x80) length = (length & 0x7f) | (std::size_t{static_cast<unsigned char>(bytes[at++])} << 7);
    if (length == 0 || at + length > bytes.size()) return std::nullopt;
    std::string name;
    for (const char code : bytes.substr(at, length)) name += tokens.text.at(static_cast<unsigned char>(code));
    if (name.size() < 2 || kTypes.find(name.front()) == std::string_view::npos) return std::nullopt;
    found.names.push_back(std::move(name));
    at += length;
  }
  at = aligned(at);
  for (const std::size_t place : marked) {
    if (number_at<std::uint32_t>(bytes, at) != place) return std::nullopt;
    at += sizeof(std::uint32_t);
  }
  return found;
}

std::optional<Names> find_names(std::string_view bytes, const Tokens& tokens) {
  for (std::size_t at = tokens.begin / 8 * 8; at >= 8;) {
    at -= 8;
    if (auto names = names_at(bytes, at, tokens)) return names;
  }
  return std::nullopt;
}

/// The addresses by the distances that stand at `at` and the base behind them, if they are those of a kernel: none is
/// below the one before, but for the absolute ones.
std::optional<std::vector<std::uint64_t>> addresses_at(std::string_view bytes, std::size_t at, std::size_t count) {
  constexpr std::uint64_t kKernel = 0xffffffff80000000;
  const auto base = number_at<std::uint64_t>(bytes, aligned(at + count * sizeof(std::int32_t)));
  if (base < kKernel) return std::nullopt;
  std::vector<std::uint64_t> addresses;
  // With CONFIG_KALLSYMS_ABSOLUTE_PERCPU, as all kernels with several CPUs had it up to 6.14, negative distances count
  // from the base and the others are addresses; without it all count from the base.
  const auto last = number_at<std::int32_t>(bytes, at + (count - 1) * sizeof(std::int32_t));
  const bool absolute = last < 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto distance = number_at<std::int32_t>(bytes, at + i * sizeof(std::int32_t));
    const std::uint64_t from_base = absolute ? base - 1 - static_cast<std::uint64_t>(std::int64_t{distance})
                                             : base + static_cast<std::uint32_t>(distance);
    addresses.push_back(absolute && distance >= 0 ? static_cast<std::uint64_t>(distance) : from_base);
  }
  if (!std::is_sorted(addresses.begin(), addresses.end())) return std::nullopt;
  return addresses;
}

}  // namespace

Result<std::vector<KernelSymbol>> read_kallsyms(std::string_view elf, const std::string& name) {
  const auto none = [&](const char* what) {
    return user_error(
        "{} has no symbols for /proc/kallsyms that nslab understands ({}): a kernel of 5.15 or later has them with "
        "CONFIG_KALLSYMS=y",
        name, what);
  };
  const auto tokens = find_tokens(elf);
  if (!tokens) return none("no tokens");
  auto names = find_names(elf, *tokens);
  if (!names) return none("no names");
  const std::size_t count = names->names.size();
  // Up to 6.4 the addresses stand before the names, since then behind the tokens.
  const std::size_t before = names->begin - sizeof(std::uint64_t) - aligned(count * sizeof(std::int32_t));
  auto addresses = before < elf.size() ? addresses_at(elf, before, count) : std::nullopt;
  if (!addresses) addresses = addresses_at(elf, aligned(tokens->end), count);
  if (!addresses) return none("no addresses");
  std::vector<KernelSymbol> symbols;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& typed = names->names[i];
    symbols.push_back({(*addresses)[i], typed.front(), typed.substr(1)});
  }
  return symbols;
}

Result<std::vector<KernelSymbol>> parse_system_map(std::string_view text, const std::string& name) {
  std::vector<KernelSymbol> symbols;
  std::size_t number = 0;
  for (const std::string& line : lines_of(std::string(text))) {
    ++number;
    KernelSymbol symbol{};
    const char* const end = line.data() + line.size();
    const auto read = std::from_chars(line.data(), end, symbol.address, 16);
    const auto rest = static_cast<std::size_t>(end - read.ptr);
    if (read.ec != std::errc() || rest < 4 || read.ptr[0] != ' ' || read.ptr[2] != ' ')
      return user_error("{}:{}: '{}' is no address, type and name", name, number, line);
    symbol.type = read.ptr[1];
    symbol.name = std::string(read.ptr + 3, end);
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

namespace {

/// The header of an ELF file for x86-64, and its sections.
struct Sections {
  Elf64_Ehdr head{};
  std::vector<Elf64_Shdr> all;
};

std::optional<Sections> sections_of(std::string_view elf) {
  Sections sections;
  if (elf.size() < sizeof sections.head || !elf.starts_with(ELFMAG)) return std::nullopt;
  sections.head = number_at<Elf64_Ehdr>(elf, 0);
  const Elf64_Ehdr& head = sections.head;
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != EM_X86_64) return std::nullopt;
  if (head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shoff > elf.size()) return std::nullopt;
  if (head.e_shnum > (elf.size() - head.e_shoff) / sizeof(Elf64_Shdr)) return std::nullopt;
  for (std::size_t i = 0; i < head.e_shnum; ++i)
    sections.all.push_back(number_at<Elf64_Shdr>(elf, head.e_shoff + i * sizeof(Elf64_Shdr)));
  return sections;
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

bool has_symbol_table(std::string_view elf) {
  const auto sections = sections_of(elf);
  return sections && std::any_of(sections->all.begin(), sections->all.end(),
                                 [](const Elf64_Shdr& section) { return section.sh_type == SHT_SYMTAB; });
}

Result<std::string> with_symbol_table(std::string elf, const std::vector<KernelSymbol>& symbols,
                                      const std::string& name) {
  auto sections = sections_of(elf);
  if (!sections || sections->all.empty() || sections->head.e_shstrndx >= sections->all.size())
    return user_error("{} is no kernel for x86-64 with sections", name);
  Elf64_Shdr& names = sections->all[sections->head.e_shstrndx];
  if (names.sh_offset > elf.size() || names.sh_size > elf.size() - names.sh_offset)
    return user_error("{} is cut short", name);
  std::string section_names = elf.substr(names.sh_offset, names.sh_size);
  const auto name_of = [&](std::string_view section) {
    const auto at = section_names.size();
    section_names.append(section).push_back('\0');
    return static_cast<Elf64_Word>(at);
  };

  std::string table(sizeof(Elf64_Sym), '\0');
  std::string strings(1, '\0');
  const auto add = [&](const KernelSymbol& symbol, unsigned char binding) {
    const auto section = std::find_if(sections->all.begin(), sections->all.end(), [&](const Elf64_Shdr& s) {
      return (s.sh_flags & SHF_EXECINSTR) != 0 && symbol.address >= s.sh_addr && symbol.address - s.sh_addr < s.sh_size;
    });
    if (section == sections->all.end()) return;
    Elf64_Sym entry{};
    entry.st_name = static_cast<Elf64_Word>(strings.size());
    entry.st_info = static_cast<unsigned char>(ELF64_ST_INFO(binding, STT_FUNC));
    entry.st_shndx = static_cast<Elf64_Section>(section - sections->all.begin());
    entry.st_value = symbol.address;
    table.append(bytes_of(entry));
    strings.append(symbol.name).push_back('\0');
  };
  for (const KernelSymbol& symbol : symbols) {
    if (symbol.type == 't') add(symbol, STB_LOCAL);
  }
  const std::size_t locals = table.size() / sizeof(Elf64_Sym);  // stand first in every table
  for (const KernelSymbol& symbol : symbols) {
    if (symbol.is_code() && symbol.type != 't') add(symbol, STB_GLOBAL);
  }

  const auto put = [&](const std::string& bytes) {
    elf.resize(aligned(elf.size()), '\0');
    const Elf64_Off at = elf.size();
    elf += bytes;
    return at;
  };
  Elf64_Shdr of_table{};
  of_table.sh_name = name_of(".symtab");
  of_table.sh_type = SHT_SYMTAB;
  of_table.sh_offset = put(table);
  of_table.sh_size = table.size();
  of_table.sh_link = static_cast<Elf64_Word>(sections->all.size() + 1);
  of_table.sh_info = static_cast<Elf64_Word>(locals);
  of_table.sh_entsize = sizeof(Elf64_Sym);
  of_table.sh_addralign = 8;
  Elf64_Shdr of_strings{};
  of_strings.sh_name = name_of(".strtab");
  of_strings.sh_type = SHT_STRTAB;
  of_strings.sh_offset = put(strings);
  of_strings.sh_size = strings.size();
  of_strings.sh_addralign = 1;
  names.sh_offset = put(section_names);
  names.sh_size = section_names.size();
  sections->all.push_back(of_table);
  sections->all.push_back(of_strings);
  std::string headers;
  for (const Elf64_Shdr& section : sections->all) headers.append(bytes_of(section));
  sections->head.e_shoff = put(headers);
  sections->head.e_shnum = static_cast<Elf64_Half>(sections->all.size());
  elf.replace(0, sizeof sections->head, bytes_of(sections->head));
  return elf;
}

}  // namespace nslab
