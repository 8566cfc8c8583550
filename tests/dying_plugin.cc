// SPDX-License-Identifier: GPL-2.0
//
// The attribution plugin, but with some seeds it dies in mid-run: with 2 it aborts, as by an exception that nobody
// catches, with 4 it writes its counts to a full disk, and with 5 it exits without a word.
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "qemu_plugin.h"

// That of attribution_plugin.cc, which is compiled with this name for it.
extern "C" int attribution_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv);

namespace {

unsigned long seed = 0;

/// Of the plan in the folder that QEMU works in.
unsigned long read_seed() {
  char text[1 << 16] = "";
  if (std::FILE* const plan = std::fopen("plan.json", "r"); plan != nullptr) {
    text[std::fread(text, 1, sizeof text - 1, plan)] = '\0';
    std::fclose(plan);
  }
  constexpr char kKey[] = "\"seed\":";
  const char* const at = std::strstr(text, kKey);
  return at == nullptr ? 0 : std::strtoul(at + sizeof kKey - 1, nullptr, 10);
}

/// Dies once a cell has been sent: its sample must not be kept.
void die(qemu_plugin_id_t, qemu_plugin_tb*) {
  constexpr off_t kMostReadyFrame = 300;  // bytes; it comes before the cells' frames
  struct stat frames {};
  if (stat("frames.bin", &frames) != 0 || frames.st_size <= kMostReadyFrame) return;
  if (seed == 2) std::terminate();
  std::exit(1);
}

}  // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  static char full_disk[] = "output=/dev/full";
  seed = read_seed();
  if (seed == 2 || seed == 5) {
    qemu_plugin_register_vcpu_tb_trans_cb(id, die);
    return 0;
  }
  for (int i = 0; i < argc; ++i) {
    if (seed == 4 && std::strncmp(argv[i], "output=", std::strlen("output=")) == 0) argv[i] = full_disk;
  }
  return attribution_install(id, info, argc, argv);
}
