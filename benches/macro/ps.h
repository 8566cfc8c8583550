// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "../micro/micro.h"
#include "../micro/processes.h"

/// Real procps, which must list the worker and all of `others`: 'ps -xaf … in init namespace and in "level one"
/// namespace', as promised in 2007. In the initial namespace ps also sees init and the kernel's threads, some sixty
/// processes more.
namespace nslab::macro {

void repeat_ps_xaf(micro::Measurement& measurement, const micro::Pids& others);  ///< ps -xaf
void repeat_ps_e(micro::Measurement& measurement, const micro::Pids& others);    ///< ps -e -o pid,ppid,pgid,sid,cmd

}  // namespace nslab::macro
