// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>

/// Where the kernel's slabs stand when a cell is measured.
///
/// A fork copies some 45 mappings, each a struct vm_area_struct, a struct vma_lock and, where it has memory of its own,
/// a struct anon_vma and some struct anon_vma_chain; exit frees them. When all objects of a kind fit into the slab that
/// the CPU allocates from, each is freed at once. When they do not, those in the slab before are freed slowly: that is
/// up to 3,600 instructions for locks, 2,500 for chains and 1,500 for anon_vma. Which of the two happens was settled
/// when the guest booted, in each kernel and at each depth by chance. So the slabs are brought into one of the states
/// that the seed chooses, the same in each kernel.
namespace nslab::guest {

constexpr int kSlabsUnknown = 0;  ///< the kernel does not tell of them: it needs CONFIG_SLUB_DEBUG and a /sys
constexpr int kLevellingFailed = -1;

/// Brings the slabs of these kinds into one state: all full but the newest, and of the newest slab of locks so many
/// thousandths used; of chains and anon_vma, a share that follows from it. This process maps as many pages as it takes;
/// its children do not inherit them. Returns how many objects of the slab of locks are used, at least 1, or one of the
/// values above. Before it is called again, give_mapping_slabs_back() and some time for RCU, which frees mappings.
int level_mapping_slabs(std::uint64_t thousandths);
void give_mapping_slabs_back();

}  // namespace nslab::guest
