// SPDX-License-Identifier: GPL-2.0
//
// What measuring costs. Each family has an empty benchmark beside its others, named empty_FAMILY, with the family's
// set-up and checks around nothing; nothing is subtracted from any count.
#include "micro.h"

NSLAB_BENCHMARK(empty, "control", "nothing: what reading the counter costs by itself, no kernel function", 2000, 200) {
  measurement.repeat([] {}, [] { return static_cast<const char*>(nullptr); });
}
