// SPDX-License-Identifier: GPL-2.0
//
// A plugin of QEMU's that makes a boot under icount repeatable. When the guest idles, QEMU's main loop skips the idle
// time: it moves the guest's clock to the next timer. It does so as soon as the vCPU is marked as halted, which is a
// moment before the vCPU's thread has added the instructions that it executed last to that clock. On a busy host the
// main loop may run in that moment, and skip from a clock that is too early. So we let the thread add them before the
// instruction that halts is executed. (QEMU's own way to order the two threads is to record the boot, -icount
// rr=record; but a guest that is recorded cannot be saved.)
//
// With the argument saving=on it also holds the guest where it is ready, until QEMU stops it.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "qemu_plugin.h"
#include "window_marks.h"

int qemu_plugin_version = 1;

namespace {

// QEMU's own, and no part of the plugin interface: what it does each time a device reads the clock.
void (*icount_update)(void* cpu) = nullptr;
void* (*qemu_get_cpu)(int index) = nullptr;
bool (*runstate_is_running)() = nullptr;
bool saving = false;

void before_halt(unsigned vcpu, void*) { icount_update(qemu_get_cpu(static_cast<int>(vcpu))); }

/// The guest has said that it is ready, and we wait for the host to stop it. QEMU calls itself stopped first, and asks
/// the vCPU to stop after that, which it does at the next block.
void hold(unsigned, void*) {
  constexpr unsigned kLook = 1000;          // microseconds
  constexpr unsigned kLongest = 60'000;     // looks
  constexpr unsigned kUntilAsked = 50'000;  // microseconds
  for (unsigned look = 0; runstate_is_running() && look < kLongest; ++look) usleep(kLook);
  usleep(kUntilAsked);
}

void hold_where_ready(qemu_plugin_tb* block) {
  for (std::size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    if (qemu_plugin_insn_size(instruction) != sizeof nslab::kMarkHold.bytes) continue;
    if (std::memcmp(qemu_plugin_insn_data(instruction), nslab::kMarkHold.bytes, sizeof nslab::kMarkHold.bytes) != 0)
      continue;
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, hold, QEMU_PLUGIN_CB_NO_REGS, nullptr);
  }
}

void on_translation(qemu_plugin_id_t, qemu_plugin_tb* block) {
  constexpr unsigned char kHalt = 0xf4;
  if (saving) hold_where_ready(block);
  // It ends a block.
  qemu_plugin_insn* const last = qemu_plugin_tb_get_insn(block, qemu_plugin_tb_n_insns(block) - 1);
  if (qemu_plugin_insn_size(last) != 1 || *static_cast<const unsigned char*>(qemu_plugin_insn_data(last)) != kHalt)
    return;
  qemu_plugin_register_vcpu_insn_exec_cb(last, before_halt, QEMU_PLUGIN_CB_NO_REGS, nullptr);
}

}  // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  icount_update = reinterpret_cast<decltype(icount_update)>(dlsym(RTLD_DEFAULT, "icount_update"));
  qemu_get_cpu = reinterpret_cast<decltype(qemu_get_cpu)>(dlsym(RTLD_DEFAULT, "qemu_get_cpu"));
  runstate_is_running = reinterpret_cast<decltype(runstate_is_running)>(dlsym(RTLD_DEFAULT, "runstate_is_running"));
  for (int i = 0; i < argc; ++i) saving = saving || std::strcmp(argv[i], "saving=on") == 0;
  const bool complete = icount_update != nullptr && qemu_get_cpu != nullptr && runstate_is_running != nullptr;
  if (!complete || std::strcmp(info->target_name, "x86_64") != 0) {
    std::fputs("guard plugin: this QEMU has no icount_update(), as that of Debian 12 has\n", stderr);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
