// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>

/// Where the kernel's slabs stand when a cell begins.
///
/// A fork copies some 45 mappings, and exit frees them. When all of these objects (struct vm_area_struct) fit into the
/// slab that the CPU allocates from, each is freed at once; when they do not, those in the slab before are freed
/// slowly, some 2,000 instructions in all. Which of the two happens was settled when the guest booted, differently in
/// each kernel. So a cell begins in one of the states that the seed chooses, the same in each kernel.
namespace nslab::guest {

/// How many parts of a slab `phase` can name.
constexpr std::uint64_t kSlabPhases = 1000;

/// Brings the slabs of mappings into one state: all full but the newest, and of that `phase` thousandths used. This
/// process maps as many pages as it takes; its children do not inherit them. Returns the newest slab's objects that
/// are used; -1 where the kernel does not tell of its slabs (it needs CONFIG_SLUB_DEBUG and a /sys).
int level_mapping_slabs(std::uint64_t phase);

}  // namespace nslab::guest
