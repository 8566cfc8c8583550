// SPDX-License-Identifier: GPL-2.0
#pragma once

/// What PID 1 and the worker say to each other: a request of one line on the worker's descriptor 3, and an answer on
/// its descriptor 4. Behind the warm-up the worker asks PID 1 to move the next ids, if the plan's condition wants that,
/// and to level the slabs (slabs.h), and waits until that is done.
namespace nslab {

constexpr int kRequestDescriptor = 3;
constexpr int kResultDescriptor = 4;
constexpr int kProcDescriptor = 5;  ///< the initial pid namespace's /proc

/// Asks for it, and says that it is done. Any other line says that it cannot be done: PID 1 has the reason.
constexpr char kLevel[] = "level\n";

}  // namespace nslab
