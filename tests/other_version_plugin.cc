// SPDX-License-Identifier: GPL-2.0
//
// A plugin for a version of QEMU's interface that QEMU 7.2 does not speak.
#include "qemu_plugin.h"

int qemu_plugin_version = 1000;

int qemu_plugin_install(qemu_plugin_id_t, const qemu_info_t*, int, char**) { return 0; }
