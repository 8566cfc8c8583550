// SPDX-License-Identifier: GPL-2.0
#include "slabs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace nslab::guest {

namespace {

constexpr char kCache[] = "/sys/kernel/slab/vm_area_struct/";
constexpr std::uintptr_t kPlace = 0x100000000;  // away from all else in this process
constexpr std::size_t kPage = 4096;
constexpr long kMost = 20'000;  // mappings

/// The number at the beginning of the file; -1: there is none.
long read_number(const std::string& name) {
  const int file = open((kCache + name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[32] = {};
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  return got > 0 ? std::strtol(text, nullptr, 10) : -1;
}

/// Gives all slabs with free objects to the kernel's list of such slabs, and empty ones back.
bool shrink() {
  const int file = open((kCache + std::string("shrink")).c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = write(file, "1", 1) == 1;
  close(file);
  return written;
}

/// One mapping more. Neighbours differ in their protection, so that the kernel does not make them one.
bool hold(long index) {
  void* const place = reinterpret_cast<void*>(kPlace + static_cast<std::uintptr_t>(index) * kPage);
  return mmap(place, kPage, index % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
              -1, 0) == place;
}

}  // namespace

int level_mapping_slabs(std::uint64_t phase) {
  static long held = 0;
  void* const place = reinterpret_cast<void*>(kPlace);
  if (held > 0) munmap(place, static_cast<std::size_t>(held) * kPage);
  held = 0;
  const long objects = read_number("objs_per_slab");
  if (objects < 1 || !shrink()) return -1;
  // A new slab is made when no other has a free object.
  const long slabs = read_number("slabs");
  while (read_number("slabs") == slabs && held < kMost && hold(held)) ++held;
  const long more = static_cast<long>(phase) * objects / static_cast<long>(kSlabPhases);
  for (long i = 0; i < more && hold(held); ++i) ++held;
  if (held > 0) madvise(place, static_cast<std::size_t>(held) * kPage, MADV_DONTFORK);
  return static_cast<int>(more) + 1;
}

}  // namespace nslab::guest
