// SPDX-License-Identifier: GPL-2.0
#include "micro.h"

NSLAB_BENCHMARK(empty, "control", "nothing: what reading the counter costs by itself, no kernel function", 2000, 200) {
  measurement.repeat([] {}, [] { return static_cast<const char*>(nullptr); });
}
