// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <cstring>

namespace nslab {

constexpr std::uint64_t kPageBytes = 4096;

/// A number for the 4096 bytes of a page, by which the plugin recognises in a guest's memory what the host has read
/// from a program's file. FNV-1a (Fowler, Noll, Vo) over words of eight bytes, mixed once more at the end: pages differ
/// by accident, nobody gains by making two alike.
inline std::uint64_t page_hash(const void* page) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto* const bytes = static_cast<const unsigned char*>(page);
  for (std::uint64_t at = 0; at < kPageBytes; at += sizeof hash) {
    std::uint64_t word;
    std::memcpy(&word, bytes + at, sizeof word);
    hash = (hash ^ word) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace nslab
