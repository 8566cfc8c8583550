// SPDX-License-Identifier: GPL-2.0
#include "slabs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace nslab::guest {

namespace {

constexpr std::uintptr_t kPlace = 0x100000000;  // away from all else in this process
constexpr std::size_t kPage = 4096;
constexpr long kMost = 20'000;  // mappings

/// A slab cache, as /sys shows it.
class Cache {
 public:
  explicit Cache(const char* name) : folder_(std::string("/sys/kernel/slab/") + name + "/") {}

  /// -1: there is no such cache, or the kernel does not tell.
  long objects_in_a_slab() const { return read_number("objs_per_slab"); }
  long slabs() const { return read_number("slabs"); }

  /// Gives all slabs with free objects to the kernel's list of such slabs, and empty ones back.
  bool shrink() const {
    const int file = open((folder_ + "shrink").c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool written = write(file, "1", 1) == 1;
    close(file);
    return written;
  }

 private:
  long read_number(const char* name) const {
    const int file = open((folder_ + name).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    char text[32] = {};
    const ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    return got > 0 ? std::strtol(text, nullptr, 10) : -1;
  }

  std::string folder_;
};

/// One mapping more. Neighbours differ in their protection, so that the kernel does not make them one.
bool hold(long index) {
  void* const place = reinterpret_cast<void*>(kPlace + static_cast<std::uintptr_t>(index) * kPage);
  return mmap(place, kPage, index % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
              -1, 0) == place;
}

}  // namespace

int level_mapping_slabs(std::uint64_t thousandths) {
  static long held = 0;
  void* const place = reinterpret_cast<void*>(kPlace);
  if (held > 0) munmap(place, static_cast<std::size_t>(held) * kPage);
  held = 0;

  const Cache mappings("vm_area_struct");
  Cache locks("vma_lock");
  if (locks.slabs() < 0) locks = mappings;  // a kernel without locks of their own
  const long objects = locks.objects_in_a_slab();
  if (objects < 1 || !mappings.shrink() || !locks.shrink()) return -1;
  // A new slab is made when no other has a free object.
  const long wanted = 1 + static_cast<long>(thousandths) * objects / 1000;
  const long slabs_before = mappings.slabs();
  long lock_slabs = locks.slabs();
  long used = 0;  // of the newest slab of locks, once there is one
  while (held < kMost && hold(held)) {
    ++held;
    if (const long now = locks.slabs(); now != lock_slabs) {
      lock_slabs = now;
      used = 1;
    } else if (used > 0) {
      ++used;
    }
    if (used == wanted && mappings.slabs() != slabs_before) break;
  }
  if (held > 0) madvise(place, static_cast<std::size_t>(held) * kPage, MADV_DONTFORK);
  return static_cast<int>(used);
}

}  // namespace nslab::guest
