// SPDX-License-Identifier: GPL-2.0
#include "splats.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "text.h"

namespace nslab {
namespace {

struct Splat {
  /// Where a message has to have the text. A word like "WARNING: " counts at its start alone: what stands before it
  /// there is the name of a subsystem that warns of the machine and not of itself, as "Speculative Return Stack
  /// Overflow: WARNING: See https://…", which any kernel writes on a Zen CPU.
  enum class Place { start, anywhere };
  std::string_view text;
  Place place;
  std::string_view meaning;
};

using enum Splat::Place;

// What a kernel writes when we can no longer trust it, the gravest first. A boot whose console has any of them fails,
// even if its report is complete. Read off Linux 6.12; behind each is the file that prints it. splats_test.cc has an
// example of each.
constexpr Splat kSplats[] = {
    {"Kernel panic - not syncing", anywhere, "the kernel panicked"},         // kernel/panic.c
    {"Oops: ", start, "the kernel oopsed"},                                  // arch/x86/kernel/dumpstack.c
    {"general protection fault", start, "the kernel faulted"},               // the same, before Linux 6.10
    {"BUG: ", start, "the kernel found a bug"},                              // x86's faults, KASAN, KFENCE, scheduler
    {"BUG ", start, "the kernel found a bug in its slabs"},                  // mm/slub.c: "BUG CACHE (TAINT): "
    {"[ BUG: ", start, "the kernel found a bug in its locking"},             // kernel/locking/lockdep.c
    {"kernel BUG at", anywhere, "the kernel found a bug"},                   // lib/bug.c
    {"watchdog: BUG: ", start, "the kernel was locked up"},                  // kernel/watchdog.c
    {"detected hard LOCKUP", anywhere, "the kernel was locked up"},          // kernel/watchdog.c
    {"UBSAN: ", start, "the kernel did something undefined"},                // lib/ubsan.c
    {"WARNING: ", start, "the kernel warned"},                               // kernel/panic.c, lockdep
    {"[ cut here ]", anywhere, "the kernel warned"},                         // include/asm-generic/bug.h
    {"INFO: trying to register non-static key", start, "lockdep gave up"},   // kernel/locking/lockdep.c
    {" new suspected memory leaks", anywhere, "the kernel lost memory"},     // mm/kmemleak.c
    {"Double-freed CB", anywhere, "the kernel freed twice"},                 // kernel/rcu/tree.c
    {"rcu: INFO: ", start, "RCU stalled"},                                   // kernel/rcu/tree_stall.h
    {"INFO: rcu_", start, "RCU stalled"},                                    // kernel/rcu/tasks.h
    {"INFO: task ", start, "a task hung"},                                   // kernel/hung_task.c
    {"Out of memory: ", start, "the guest ran out of memory"},               // mm/oom_kill.c
    {"Memory cgroup out of memory: ", start, "a cgroup ran out of memory"},  // mm/oom_kill.c
    {" invoked oom-killer: ", anywhere, "the guest ran out of memory"},      // mm/oom_kill.c
    {"page allocation failure: ", anywhere, "the guest lacked memory"},      // mm/page_alloc.c
    {"Call Trace:", start, "the kernel showed its stack"},                   // whatever else calls dump_stack()
};

/// The message without the time and the caller that printk puts before it ("[    1.234567][    T1] "). A program's line
/// without an end may stand before them.
std::string_view message_of(std::string_view line) {
  constexpr std::string_view kDigits = "0123456789";
  for (std::size_t open = line.find('['); open != std::string_view::npos; open = line.find('[', open + 1)) {
    std::size_t at = line.find_first_not_of(' ', open + 1);
    const std::size_t point = line.find_first_not_of(kDigits, at);
    if (point == std::string_view::npos || point == at || line[point] != '.') continue;
    at = line.find_first_not_of(kDigits, point + 1);
    if (at == std::string_view::npos || line[at] != ']') continue;
    line.remove_prefix(at + 1);
    if (line.starts_with("[ ")) {
      const std::size_t caller = line.find_first_not_of(' ', 1);
      const std::size_t end = line.find(']');
      if (caller < end && end < line.size() && (line[caller] == 'T' || line[caller] == 'C'))
        line.remove_prefix(end + 1);
    }
    break;
  }
  // A kernel without times has none, and some of its lines are indented.
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

bool has(std::string_view line, const Splat& splat) {
  return splat.place == Splat::Place::start ? message_of(line).starts_with(splat.text)
                                            : line.find(splat.text) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> find_splat(std::string_view console) {
  const auto lines = lines_of(console);
  for (const Splat& splat : kSplats) {
    for (const std::string& line : lines) {
      if (has(line, splat)) return fmt::format("{}: {}", splat.meaning, line);
    }
  }
  return std::nullopt;
}

bool shows_impossible_flags(std::string_view console) {
  constexpr std::string_view kFlags = "EFLAGS: ";  // arch/x86/kernel/process_64.c, eight hexadecimal digits
  constexpr unsigned kNeverSet = 0xffc00000;
  for (std::size_t at = 0; (at = console.find(kFlags, at)) != std::string_view::npos;) {
    at += kFlags.size();
    unsigned flags = 0;
    std::from_chars(console.data() + at, console.data() + std::min(console.size(), at + 8), flags, 16);
    if ((flags & kNeverSet) != 0) return true;
  }
  return false;
}

}  // namespace nslab
