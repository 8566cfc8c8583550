// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

#include "micro.h"
#include "processes.h"

/// Operations that more than one family times, each with its check.
namespace nslab::micro {

/// Times `create`, which returns a child's pid, and the waitpid for it.
template <class Create>
void repeat_child(Measurement& measurement, Create create) {
  pid_t child = -1;
  pid_t reaped = -1;
  int status = -1;
  measurement.repeat(
      [&] {
        child = create();
        reaped = waitpid(child, &status, 0);
      },
      [&] {
        const char* const wrong = check_child(child, reaped, status, measurement.identity.pid);
        child = reaped = status = -1;
        return wrong;
      });
}

/// Times fork, the child's _exit and waitpid.
inline void repeat_fork(Measurement& measurement) {
  repeat_child(measurement, [] {
    const pid_t child = fork();
    if (child == 0) _exit(kChildStatus);
    return child;
  });
}

/// The number at the start of a text, as of a name in /proc; -1: none.
inline pid_t leading_number(std::string_view text) {
  pid_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// linux_dirent64, as getdents64(2) fills it in.
struct Entry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t bytes;
  std::uint8_t type;
  char name[1];  // and more, to the terminating zero
};

/// Whether the entries show each of `pids`.
inline bool lists_all(const char* entries, std::size_t bytes, const Pids& pids) {
  std::vector<pid_t> seen;
  for (std::size_t at = 0; at < bytes;) {
    const auto* const entry = reinterpret_cast<const Entry*>(entries + at);
    if (const pid_t pid = leading_number(entry->name); pid > 0) seen.push_back(pid);
    at += entry->bytes;
  }
  // /proc lists them in ascending order.
  return std::all_of(pids.begin(), pids.end(),
                     [&](pid_t pid) { return std::binary_search(seen.begin(), seen.end(), pid); });
}

/// Times open, getdents64 to the end and close of /proc, which must list `pids`.
inline void repeat_proc_readdir(Measurement& measurement, const Pids& pids) {
  constexpr std::size_t kOthersBytes = 32768;  // files and kernel threads
  constexpr std::size_t kPidBytes = 32;        // an entry with a name of up to 12 digits
  std::vector<char, SharedMemory<char>> entries(kOthersBytes + pids.size() * kPidBytes);
  long file = -1;
  long closed = -1;
  long got = -1;
  std::size_t bytes = 0;
  measurement.repeat(
      [&] {
        file = syscall(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
        bytes = 0;
        while ((got = syscall(SYS_getdents64, file, entries.data() + bytes, entries.size() - bytes)) > 0) {
          bytes += static_cast<std::size_t>(got);
        }
        closed = syscall(SYS_close, file);
      },
      [&]() -> const char* {
        if (file < 0 || got != 0 || closed != 0) return "/proc could not be read to its end";
        if (!lists_all(entries.data(), bytes, pids)) return "/proc does not list all children";
        std::fill_n(entries.begin(), bytes, '\0');
        return nullptr;
      });
}

}  // namespace nslab::micro
