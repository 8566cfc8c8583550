// SPDX-License-Identifier: GPL-2.0
#include "machine_code.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <iterator>

#include "elf_file.h"
#include "files.h"
#include "hash.h"
#include "symbols.h"

namespace nslab {

namespace {

/// Capstone, set up for x86-64 with the details of operands.
class Decoder {
 public:
  static Result<Decoder> make() {
    Decoder decoder;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &decoder.handle_) != CS_ERR_OK) return machine_error("cannot set up Capstone");
    decoder.open_ = true;
    cs_option(decoder.handle_, CS_OPT_DETAIL, CS_OPT_ON);
    decoder.instruction_ = cs_malloc(decoder.handle_);
    return decoder;
  }
  Decoder(Decoder&& other) noexcept
      : handle_(other.handle_),
        instruction_(std::exchange(other.instruction_, nullptr)),
        open_(std::exchange(other.open_, false)) {}
  Decoder& operator=(Decoder&&) = delete;
  ~Decoder() {
    if (instruction_ != nullptr) cs_free(instruction_, 1);
    if (open_) cs_close(&handle_);
  }

  /// The instruction at the beginning of `code`, which is taken off; nullptr for bytes that are none, of which one is
  /// taken off.
  const cs_insn* next(std::string_view& code, std::uint64_t& address) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data());
    std::size_t size = code.size();
    if (!cs_disasm_iter(handle_, &bytes, &size, &address, instruction_)) {
      code.remove_prefix(1);
      ++address;
      return nullptr;
    }
    code.remove_prefix(code.size() - size);
    return instruction_;
  }
  const char* register_name(x86_reg reg) const { return reg == X86_REG_INVALID ? "" : cs_reg_name(handle_, reg); }
  bool is_branch() const {
    const cs_detail* detail = instruction_->detail;
    return std::any_of(detail->groups, detail->groups + detail->groups_count,
                       [](std::uint8_t group) { return group == CS_GRP_JUMP || group == CS_GRP_CALL; });
  }

 private:
  Decoder() = default;
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
  bool open_ = false;
};

/// The kernel's image is mapped in the topmost 2 GiB.
bool is_kernel_address(std::uint64_t value) { return value >= 0xffffffff80000000 && value < 0xffffffffff000000; }

/// A function's code as text: one line an instruction.
struct Listing {
  std::string exact;
  std::string skeleton;
};

class Lister {
 public:
  Lister(Decoder& decoder, const ElfCode& code) : decoder_(decoder), code_(code) {}

  Listing list(std::string_view bytes, std::uint64_t start) {
    Listing listing;
    const std::uint64_t end = start + bytes.size();
    Listing padding;  // what lies between the last instruction and the next function
    std::uint64_t address = start;
    while (!bytes.empty()) {
      const cs_insn* const instruction = decoder_.next(bytes, address);
      if (instruction == nullptr) {
        listing.exact += "?\n";
        listing.skeleton += "?\n";
        continue;
      }
      Listing line{instruction->mnemonic, instruction->mnemonic};
      const cs_x86& x86 = instruction->detail->x86;
      for (int i = 0; i < x86.op_count; ++i) add_operand(x86.operands[i], start, end, line);
      line.exact += '\n';
      line.skeleton += '\n';
      padding.exact += line.exact;
      padding.skeleton += line.skeleton;
      if (instruction->id == X86_INS_NOP || instruction->id == X86_INS_INT3) continue;
      listing.exact += padding.exact;
      listing.skeleton += padding.skeleton;
      padding = {};
    }
    return listing;
  }

 private:
  void add_operand(const cs_x86_op& operand, std::uint64_t start, std::uint64_t end, Listing& line) const {
    std::string kind;
    std::string value;
    switch (operand.type) {
      case X86_OP_REG:
        kind = decoder_.register_name(operand.reg);
        break;
      case X86_OP_IMM: {
        const auto number = static_cast<std::uint64_t>(operand.imm);
        if (decoder_.is_branch()) {
          kind = number >= start && number < end ? "within" : function_at(number);
          if (number >= start && number < end) value = fmt::format("{:#x}", number - start);
        } else if (is_kernel_address(number)) {
          kind = "address";
        } else {
          kind = "constant";
          value = fmt::format("{:#x}", number);
        }
        break;
      }
      case X86_OP_MEM: {
        const auto& memory = operand.mem;
        kind =
            fmt::format("{}:[{}+{}*{}]{}", decoder_.register_name(memory.segment), decoder_.register_name(memory.base),
                        decoder_.register_name(memory.index), memory.scale, operand.size);
        const bool address = memory.base == X86_REG_RIP || memory.base == X86_REG_INVALID ||
                             is_kernel_address(static_cast<std::uint64_t>(memory.disp));
        if (!address) value = fmt::format("{:#x}", memory.disp);
        break;
      }
      default:
        kind = "other";
        break;
    }
    line.exact += " " + kind + " " + value;
    line.skeleton += " " + kind;
  }

  std::string function_at(std::uint64_t address) const {
    const auto behind = std::upper_bound(code_.functions.begin(), code_.functions.end(), address,
                                         [](std::uint64_t value, const ElfFunction& f) { return value < f.start; });
    return behind == code_.functions.begin() ? "nowhere" : std::prev(behind)->name;
  }

  Decoder& decoder_;
  const ElfCode& code_;
};

/// The bytes from an address to another; empty where the file has none.
std::string_view bytes_at(const ElfFile& elf, std::uint64_t from, std::uint64_t to) {
  for (const ElfSection& section : elf.sections) {
    const std::uint64_t start = section.header.sh_addr;
    if (section.data == nullptr || (section.header.sh_flags & SHF_EXECINSTR) == 0) continue;
    if (from < start || from >= start + section.data->d_size) continue;
    const std::uint64_t end = std::min<std::uint64_t>(to, start + section.data->d_size);
    return {static_cast<const char*>(section.data->d_buf) + (from - start), end - from};
  }
  return {};
}

}  // namespace

const char* words_for(CodeChange change) {
  switch (change) {
    case CodeChange::same:
      return "same code";
    case CodeChange::constants:
      return "same instructions, other constants";
    case CodeChange::changed:
      return "changed";
    case CodeChange::gone:
      return "gone";
    case CodeChange::fresh:
      return "new";
  }
  return "";
}

Result<std::map<std::string, MaskedCode>> masked_code(const std::filesystem::path& vmlinux,
                                                      const std::set<std::string>& names) {
  const std::string bytes = TRY(read_file(vmlinux));
  const ElfFile elf = TRY(open_elf(bytes, vmlinux.string()));
  const ElfCode code = TRY(read_kernel_code(elf, vmlinux.string()));
  Decoder decoder = TRY(Decoder::make());
  Lister lister(decoder, code);
  std::map<std::string, std::vector<Listing>> listings;
  for (std::size_t i = 0; i < code.functions.size(); ++i) {
    const ElfFunction& function = code.functions[i];
    if (!names.contains(function.name)) continue;
    const std::uint64_t end = i + 1 < code.functions.size() ? code.functions[i + 1].start : code.end;
    listings[function.name].push_back(lister.list(bytes_at(elf, function.start, end), function.start));
  }
  std::map<std::string, MaskedCode> masked;
  for (auto& [name, several] : listings) {
    std::sort(several.begin(), several.end(), [](const Listing& a, const Listing& b) { return a.exact < b.exact; });
    Hasher exact;
    Hasher skeleton;
    for (const Listing& listing : several) {
      exact.part("function", listing.exact);
      skeleton.part("function", listing.skeleton);
    }
    masked[name] = {exact.hex(), skeleton.hex()};
  }
  return masked;
}

CodeChange change_of(const std::string& name, const std::map<std::string, MaskedCode>& a,
                     const std::map<std::string, MaskedCode>& b) {
  const auto in_a = a.find(name);
  const auto in_b = b.find(name);
  if (in_a == a.end() && in_b == b.end()) return CodeChange::same;
  if (in_a == a.end()) return CodeChange::fresh;
  if (in_b == b.end()) return CodeChange::gone;
  if (in_a->second.exact == in_b->second.exact) return CodeChange::same;
  return in_a->second.skeleton == in_b->second.skeleton ? CodeChange::constants : CodeChange::changed;
}

Result<std::map<std::string, CodeChange>> CodeComparer::changes(const std::filesystem::path& a,
                                                                const std::vector<CallTree>& trees_a,
                                                                const std::filesystem::path& b,
                                                                const std::vector<CallTree>& trees_b) {
  std::set<std::string> names;
  for (const auto* trees : {&trees_a, &trees_b}) {
    for (const CallTree& tree : *trees) {
      for (const FunctionName& function : tree.functions) {
        if (function.object.empty()) names.insert(function.name);
      }
    }
  }
  const Known& known_a = *TRY(code_of(a, names));
  const Known& known_b = *TRY(code_of(b, names));
  std::map<std::string, CodeChange> changes;
  for (const std::string& name : names) changes[name] = change_of(name, known_a.code, known_b.code);
  return changes;
}

Result<const CodeComparer::Known*> CodeComparer::code_of(const std::filesystem::path& vmlinux,
                                                         const std::set<std::string>& names) {
  Known& known = kernels_[vmlinux];
  std::set<std::string> fresh;
  std::set_difference(names.begin(), names.end(), known.names.begin(), known.names.end(),
                      std::inserter(fresh, fresh.end()));
  if (!fresh.empty()) {
    known.code.merge(TRY(masked_code(vmlinux, fresh)));
    known.names.merge(fresh);
  }
  return &known;
}

}  // namespace nslab
