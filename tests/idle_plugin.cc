// SPDX-License-Identifier: GPL-2.0
//
// A plugin of QEMU's that does nothing, for tests of what becomes of a guest without the guard.
#include "qemu_plugin.h"

int qemu_plugin_version = 1;

int qemu_plugin_install(qemu_plugin_id_t, const qemu_info_t*, int, char**) { return 0; }
