// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>

/// Where the kernel's slabs stand when a cell is measured.
///
/// A fork copies some 45 mappings, each a struct vm_area_struct and a struct vma_lock, and exit frees them. When all of
/// the locks fit into the slab that the CPU allocates from, each is freed at once. When they do not, those in the slab
/// before are freed slowly, some 3,600 instructions in all. Which of the two happens was settled when the guest booted,
/// in each kernel by chance. So the slabs are brought into one of the states that the seed chooses, the same in each
/// kernel.
namespace nslab::guest {

/// Brings the slabs of mappings into one state: all full but the newest, and of the newest slab of locks so many
/// thousandths used. This process maps as many pages as it takes; its children do not inherit them. Returns how many
/// objects of that slab are used; -1 where the kernel does not tell of its slabs (it needs CONFIG_SLUB_DEBUG and a
/// /sys).
int level_mapping_slabs(std::uint64_t thousandths);

}  // namespace nslab::guest
