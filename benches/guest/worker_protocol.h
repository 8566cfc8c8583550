// SPDX-License-Identifier: GPL-2.0
#pragma once

/// What PID 1 and the worker say to each other: a request of one line on the worker's descriptor 3, and an answer on
/// its descriptor 4. In between the worker asks PID 1 for two things, and waits until each is done: before the
/// benchmark begins, to bring the condition about that the plan wants, and behind the warm-up to level the slabs
/// (slabs.h).
namespace nslab {

constexpr int kRequestDescriptor = 3;
constexpr int kResultDescriptor = 4;
constexpr int kProcDescriptor = 5;  ///< the initial pid namespace's /proc

// Each asks for it, and says that it is done.
constexpr char kCondition[] = "condition\n";
constexpr char kLevel[] = "level\n";

}  // namespace nslab
