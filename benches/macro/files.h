// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "../micro/micro.h"

/// What the macro benchmarks run. The Makefile's PACKAGES names the packages, too.
namespace nslab::macro {

using micro::File;

inline constexpr File kWorkload = {"macro/workload", ""};
inline constexpr File kDash = {"/usr/bin/dash", "dash"};
inline constexpr File kPs = {"/usr/bin/ps", "procps"};
inline constexpr File kPerf = {"/usr/bin/perf", "linux-perf"};
inline constexpr File kHackbench = {"/usr/bin/hackbench", "rt-tests"};
inline constexpr File kStressNg = {"/usr/bin/stress-ng", "stress-ng"};
inline constexpr File kSetpriv = {"/usr/bin/setpriv", "util-linux"};

/// A file of this project, in the guest.
#define NSLAB_FILE(path) "/opt/nslab/" path

}  // namespace nslab::macro
