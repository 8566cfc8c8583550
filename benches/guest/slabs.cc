// SPDX-License-Identifier: GPL-2.0
#include "slabs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <string>

namespace nslab::guest {

namespace {

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

/// Until the newest slab of a cache is one that was made since, with so many objects used. What is counted is objects
/// that were taken one by one.
class Position {
 public:
  explicit Position(const char* name) : cache_(name), slabs_(cache_.slabs()) {}

  /// Whether the kernel tells of it, and has given its slabs with free objects away.
  bool prepare() {
    objects_ = cache_.objects_in_a_slab();
    const bool shrunk = cache_.shrink();
    slabs_ = cache_.slabs();
    return objects_ > 0 && shrunk;
  }
  /// One object was taken. A new slab is made when no other has a free object.
  void count() {
    if (const long now = cache_.slabs(); now != slabs_) {
      slabs_ = now;
      used_ = 1;
    } else if (used_ > 0) {
      ++used_;
    }
  }
  bool is_new() const { return used_ > 0; }
  long used() const { return used_; }
  /// Of the newest slab, so many objects are to be used.
  long wanted(std::uint64_t thousandths) const { return 1 + static_cast<long>(thousandths) * objects_ / 1000; }

 private:
  Cache cache_;
  long slabs_;
  long objects_ = 0;
  long used_ = 0;
};

/// Mappings of this process, which its children do not inherit.
class Mappings {
 public:
  static void give_back() {
    if (end_ > kPlace) munmap(reinterpret_cast<void*>(kPlace), end_ - kPlace);
    end_ = kPlace;
  }

  /// A mapping that touches no other, so that the kernel neither makes them one nor has them share anything. Takes an
  /// object of mappings and one of locks; where it is written to, also one of anon_vma and one of chains.
  bool take(bool written) {
    end_ += kPage;
    return take_next(PROT_READ | PROT_WRITE, written);
  }
  /// A written one beside the last, which was written to as well: the kernel has it share the other's anon_vma.
  bool take_sharing() {
    executable_ = !executable_;  // else the two would become one
    return take_next(PROT_READ | PROT_WRITE | (executable_ ? PROT_EXEC : 0), /*written=*/true);
  }

 private:
  static bool take_next(int protection, bool written) {
    if (end_ - kPlace > kMost) return false;
    void* const place = reinterpret_cast<void*>(end_);
    end_ += kPage;
    if (mmap(place, kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != place) return false;
    if (madvise(place, kPage, MADV_DONTFORK) != 0) return false;
    if (written) *static_cast<volatile char*>(place) = 1;
    return true;
  }

  static constexpr std::uintptr_t kPlace = 0x100000000;  // away from all else in this process
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kMost = 256 << 20;  // bytes
  static std::uintptr_t end_;
  bool executable_ = false;
};

std::uintptr_t Mappings::end_ = kPlace;

}  // namespace

void give_mapping_slabs_back() { Mappings::give_back(); }

int level_mapping_slabs(std::uint64_t thousandths) {
  Mappings mappings;
  Position areas("vm_area_struct");
  Position locks(Cache("vma_lock").slabs() < 0 ? "vm_area_struct" : "vma_lock");  // not each kernel has such
  Position anonymous("anon_vma");
  Position chains("anon_vma_chain");
  for (Position* const position : {&areas, &locks, &anonymous, &chains}) {
    if (!position->prepare()) return kSlabsUnknown;
  }
  const auto count = [](std::initializer_list<Position*> taken) {
    for (Position* const position : taken) position->count();
    return true;
  };
  // Each step leaves alone what the steps before have settled. The multiples spread the caches' positions evenly over
  // their combinations.
  while (anonymous.used() != anonymous.wanted(13 * thousandths % 1000)) {
    if (!mappings.take(/*written=*/true) || !count({&areas, &locks, &anonymous, &chains})) return kLevellingFailed;
  }
  while (chains.used() != chains.wanted(7 * thousandths % 1000)) {
    if (!mappings.take_sharing() || !count({&areas, &locks, &chains})) return kLevellingFailed;
  }
  while (!areas.is_new() || locks.used() != locks.wanted(thousandths)) {
    if (!mappings.take(/*written=*/false) || !count({&areas, &locks})) return kLevellingFailed;
  }
  return static_cast<int>(locks.used());
}

}  // namespace nslab::guest
