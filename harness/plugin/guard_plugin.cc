// SPDX-License-Identifier: GPL-2.0
//
// A plugin of QEMU's that mends two things in TCG.
//
// Under icount it makes a boot repeatable. When the guest idles, QEMU's main loop skips the idle time: it moves the
// guest's clock to the next timer. It does so as soon as the vCPU is marked as halted, which is a moment before the
// vCPU's thread has added the instructions that it executed last to that clock. On a busy host the main loop may run in
// that moment, and skip from a clock that is too early. So we let the thread add them before the instruction that halts
// is executed. (QEMU's own way to order the two threads is to record the boot, -icount rr=record; but a guest that is
// recorded cannot be saved.)
//
// And it keeps the guest's flags sound over cmpxchg16b and cmpxchg8b. QEMU 7.2 computes the flags lazily, from
// operands that it keeps and from a note of what to compute. Its cmpxchg16b computes them by a note that may be an
// older one. If that says "these are the flags", an operand is taken for flags: any number, with the trap flag and
// others that no operation sets. An interrupt before the next operation saves them, and the kernel dies of it. So we
// replace that note before the instruction. After it only the zero flag counts, and that one QEMU sets itself.
//
// With the argument saving=on it also holds the guest where it is ready, until QEMU stops it.
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>

#include "qemu_plugin.h"
#include "window_marks.h"

int qemu_plugin_version = 1;

namespace {

/// The beginning of what QEMU 7.2 keeps of an x86-64 CPU, CPUX86State in its target/i386/cpu.h.
struct Registers {
  std::uint64_t general[16];
  std::uint64_t eip;
  std::uint64_t eflags;
  std::uint64_t cc_dst;  // the flags are computed from this,
  std::uint64_t cc_src;  // this
  std::uint64_t cc_src2;
  std::uint32_t cc_op;  // and by this
};
constexpr std::uint32_t kOperandIsFlags = 1;     // CC_OP_EFLAGS
constexpr std::uint32_t kLogicalOperation = 25;  // CC_OP_LOGICQ
constexpr std::uint32_t kStatusFlags = 0x8d5;    // those that an arithmetic operation sets

/// glib's.
struct ByteArray {
  std::uint8_t* data;
  unsigned size;
};

// QEMU's own, and no part of the plugin interface: what it does each time a device reads the clock, and so on.
void (*icount_update)(void* cpu) = nullptr;
void* (*qemu_get_cpu)(int index) = nullptr;
bool (*runstate_is_running)() = nullptr;
std::uint32_t (*cpu_cc_compute_all)(void* registers, int operation) = nullptr;
int (*x86_cpu_gdb_read_register)(void* cpu, ByteArray* out, int number) = nullptr;
ByteArray* (*g_byte_array_new)() = nullptr;
const int* use_icount = nullptr;

bool saving = false;
std::atomic<std::size_t> registers_at = 0;  // in a CPU's object; 0: not yet known

void before_halt(unsigned vcpu, void*) { icount_update(qemu_get_cpu(static_cast<int>(vcpu))); }

/// Whether QEMU computes flags as we take it to.
bool computes_flags_as_we_think() {
  constexpr std::uint32_t kAny = 0x106e3342;
  std::vector<std::uint64_t> none(8192);
  auto* const made_up = reinterpret_cast<Registers*>(none.data());
  made_up->cc_src = kAny;
  if (cpu_cc_compute_all(made_up, kOperandIsFlags) != kAny) return false;
  for (const std::uint64_t operand : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{kAny}}) {
    made_up->cc_dst = made_up->cc_src = operand;
    if ((cpu_cc_compute_all(made_up, kLogicalOperation) & ~kStatusFlags) != 0) return false;
  }
  return true;
}

/// Finds a CPU's registers in its object, by what QEMU tells a debugger. That CPU is the one that calls.
void find_registers(char* cpu) {
  constexpr int kOrder[] = {0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16};  // QEMU's by the debugger's
  std::uint64_t sought[17] = {};
  for (int i = 0; i < 17; ++i) {
    ByteArray* const value = g_byte_array_new();
    x86_cpu_gdb_read_register(cpu, value, i);
    if (value->size == sizeof sought[0]) std::memcpy(&sought[kOrder[i]], value->data, sizeof sought[0]);
  }
  const std::size_t size = malloc_usable_size(cpu);
  for (std::size_t at = 16; at + sizeof(Registers) <= size; at += 16) {
    if (std::memcmp(cpu + at, sought, sizeof sought) != 0) continue;
    registers_at = at;
    return;
  }
  std::fputs("guard plugin: this QEMU does not keep a CPU's registers where that of Debian 12 does\n", stderr);
  std::exit(1);
}

void before_cmpxchg16b(unsigned vcpu, void*) {
  auto* const cpu = static_cast<char*>(qemu_get_cpu(static_cast<int>(vcpu)));
  if (registers_at == 0) find_registers(cpu);
  auto& operation = reinterpret_cast<Registers*>(cpu + registers_at)->cc_op;
  if (operation == kOperandIsFlags) operation = kLogicalOperation;
}

/// cmpxchg16b or cmpxchg8b: prefixes, 0f c7 /1. Both have the flaw.
bool is_cmpxchg16b(const unsigned char* bytes, std::size_t size) {
  constexpr unsigned char kPrefixes[] = {0xf0, 0xf2, 0xf3, 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
  std::size_t at = 0;
  while (at < size && std::find(std::begin(kPrefixes), std::end(kPrefixes), bytes[at]) != std::end(kPrefixes)) ++at;
  if (at < size && (bytes[at] & 0xf0) == 0x40) ++at;  // REX
  return at + 3 <= size && bytes[at] == 0x0f && bytes[at + 1] == 0xc7 && (bytes[at + 2] >> 3 & 7) == 1;
}

/// The guest has said that it is ready, and we wait for the host to stop it. QEMU calls itself stopped first, and asks
/// the vCPU to stop after that, which it does at the next block.
void hold(unsigned, void*) {
  constexpr unsigned kLook = 1000;          // microseconds
  constexpr unsigned kLongest = 60'000;     // looks
  constexpr unsigned kUntilAsked = 50'000;  // microseconds
  for (unsigned look = 0; runstate_is_running() && look < kLongest; ++look) usleep(kLook);
  usleep(kUntilAsked);
}

void on_translation(qemu_plugin_id_t, qemu_plugin_tb* block) {
  constexpr unsigned char kHalt = 0xf4;
  for (std::size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    const auto* const bytes = static_cast<const unsigned char*>(qemu_plugin_insn_data(instruction));
    const std::size_t size = qemu_plugin_insn_size(instruction);
    const auto before_it = [&](qemu_plugin_vcpu_udata_cb_t callback) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_NO_REGS, nullptr);
    };
    const auto& mark = nslab::kMarkHold.bytes;
    if (saving && size == sizeof mark && std::memcmp(bytes, mark, sizeof mark) == 0) before_it(hold);
    if (is_cmpxchg16b(bytes, size)) before_it(before_cmpxchg16b);
    if (*use_icount != 0 && size == 1 && *bytes == kHalt) before_it(before_halt);
  }
}

}  // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  bool complete = true;
  const auto find = [&](auto& what, const char* name) {
    what = reinterpret_cast<std::remove_reference_t<decltype(what)>>(dlsym(RTLD_DEFAULT, name));
    complete = complete && what != nullptr;
  };
  find(icount_update, "icount_update");
  find(qemu_get_cpu, "qemu_get_cpu");
  find(runstate_is_running, "runstate_is_running");
  find(cpu_cc_compute_all, "cpu_cc_compute_all");
  find(x86_cpu_gdb_read_register, "x86_cpu_gdb_read_register");
  find(g_byte_array_new, "g_byte_array_new");
  find(use_icount, "use_icount");
  for (int i = 0; i < argc; ++i) saving = saving || std::strcmp(argv[i], "saving=on") == 0;
  if (!complete || std::strcmp(info->target_name, "x86_64") != 0 || !computes_flags_as_we_think()) {
    std::fputs("guard plugin: this QEMU is not made as that of Debian 12 is\n", stderr);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
