// SPDX-License-Identifier: GPL-2.0
#include "splats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Example {
  const char* meaning;
  const char* line;
};

// As Linux 6.12 prints them, unless said otherwise.
constexpr Example kSplats[] = {
    {"the kernel panicked", "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009"},
    {"the kernel oopsed", "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI"},
    {"the kernel oopsed", "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP"},
    {"the kernel oopsed", "Oops: invalid opcode: 0000 [#1] PREEMPT SMP NOPTI"},
    {"the kernel faulted", "general protection fault, probably for non-canonical address 0xdead: 0000 [#1]"},  // 6.1
    {"the kernel found a bug", "BUG: kernel NULL pointer dereference, address: 0000000000000008"},
    {"the kernel found a bug", "BUG: unable to handle page fault for address: ffffc90000000000"},
    {"the kernel found a bug", "BUG: KASAN: slab-use-after-free in put_pid+0x25/0x80"},
    {"the kernel found a bug", "BUG: KFENCE: use-after-free read in put_pid+0x25/0x80"},
    {"the kernel found a bug", "BUG: sleeping function called from invalid context at kernel/pid.c:120"},
    {"the kernel found a bug", "BUG: scheduling while atomic: micro/123/0x00000002"},
    {"the kernel found a bug", "BUG: spinlock bad magic on CPU#0, init/1"},
    {"the kernel found a bug", "BUG: Bad page state in process micro  pfn:01234"},
    {"the kernel found a bug", "BUG: Bad rss-counter state mm:(____ptrval____) type:MM_ANONPAGES val:1"},
    {"the kernel found a bug", "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 30s!"},
    {"the kernel found a bug", "BUG: MAX_LOCKDEP_CHAINS too low!"},
    {"the kernel found a bug in its slabs", "BUG pid_namespace (Not tainted): Object already free"},
    {"the kernel found a bug in its slabs", "BUG kmalloc-64 (Tainted: G    B             ): Poison overwritten"},
    {"the kernel found a bug in its locking", "[ BUG: Invalid wait context ]"},
    {"the kernel found a bug", "kernel BUG at kernel/pid.c:188!"},
    {"the kernel was locked up", "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [micro:123]"},
    {"the kernel was locked up", "watchdog: Watchdog detected hard LOCKUP on cpu 0"},
    {"the kernel did something undefined", "UBSAN: array-index-out-of-bounds in kernel/pid.c:188:12"},
    {"the kernel warned", "WARNING: CPU: 0 PID: 123 at kernel/pid.c:188 free_pid+0x25/0x80"},
    {"the kernel warned", "WARNING: possible circular locking dependency detected"},
    {"the kernel warned", "WARNING: inconsistent lock state"},
    {"the kernel warned", "WARNING: suspicious RCU usage"},
    {"the kernel warned", "------------[ cut here ]------------"},
    {"lockdep gave up", "INFO: trying to register non-static key."},
    {"the kernel lost memory", "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"},
    {"the kernel freed twice",
     "rcu: __call_rcu_common(): Double-freed CB (____ptrval____)->delayed_put_pid+0x0/0x10()!!!"},
    {"RCU stalled", "rcu: INFO: rcu_preempt self-detected stall on CPU"},
    {"RCU stalled", "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: {"},
    {"RCU stalled", "INFO: rcu_tasks detected stalls on tasks:"},
    {"a task hung", "INFO: task micro:123 blocked for more than 120 seconds."},
    {"the guest ran out of memory", "Out of memory: Killed process 123 (micro) total-vm:1234kB, anon-rss:123kB"},
    {"the guest ran out of memory", "micro invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"},
    {"a cgroup ran out of memory", "Memory cgroup out of memory: Killed process 123 (micro) total-vm:1234kB"},
    {"the guest lacked memory",
     "micro: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO)"},
    {"the kernel showed its stack", "Call Trace:"},
};

TEST(Splats, AreFoundWhateverPrintkPutsBeforeThem) {
  for (const Example& example : kSplats) {
    for (const char* before : {"", "[    1.234567] ", "[12345.678901][    T1] ", "[    0.000000][   C0]  ",
                               "nslab init: cell 3[    1.234567] "}) {
      const std::string line = std::string(before) + example.line;
      const auto found = find_splat("[    1.000000] Freeing unused kernel image memory\n" + line + "\nok\n");
      ASSERT_TRUE(found) << line;
      EXPECT_EQ(*found, std::string(example.meaning) + ": " + line);
    }
  }
}

// What healthy kernels and programs write.
TEST(Splats, AreNotWhatAKernelSaysOfTheMachine) {
  for (const char* line :
       {"Speculative Return Stack Overflow: WARNING: See https://kernel.org/doc/html/latest/admin-guide/hw-vuln/"
        "srso.html for mitigation options.",
        "Speculative Return Stack Overflow: Vulnerable: No microcode",
        "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!",
        "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2 BHB "
        "attacks!",
        "process: WARNING: polling idle and HT enabled, performance may degrade",
        "x86/cpu: SGX disabled or unsupported by BIOS.", "DEBUG: not a bug", "INFO: lockdep is turned off.",
        "traps: micro[123] general protection fault ip:401000 sp:7ffc0000 error:0 in micro[401000+1000]",
        "nslab init: ready: Linux 6.12.117, 6 cells, seed 1", "rcu: Hierarchical RCU implementation.",
        "random: crng init done", "clocksource: Switched to clocksource tsc", "debug: BUG_ON is compiled in"}) {
    for (const char* before : {"", "[    1.234567] ", "[    0.000000][    T0] "}) {
      EXPECT_EQ(find_splat(std::string(before) + line), std::nullopt) << line;
    }
  }
  EXPECT_EQ(find_splat(""), std::nullopt);
  EXPECT_EQ(find_splat("[\n[1\n[1.\n[1.5\n[1.5][\n[1.5][ \n[1.5][ ]\n[]"), std::nullopt);
}

TEST(Splats, FlagsThatNoCpuHasAreSeen) {
  EXPECT_TRUE(shows_impossible_flags("RSP: 0018:ffffc9000000ba40 EFLAGS: 3de6c242\n"));
  EXPECT_TRUE(shows_impossible_flags("EFLAGS: 00000246 ORIG_RAX: 0\n[ 1.0] RSP: 0018:f EFLAGS: 00400246"));
  for (const char* sound : {"", "EFLAGS: ", "EFLAGS: 00000246\n", "EFLAGS: 003fffff", "EFLAGS: none", "EFLAGS: 00"})
    EXPECT_FALSE(shows_impossible_flags(sound)) << sound;
}

TEST(Splats, TheGravestIsNamed) {
  const auto found = find_splat(
      "[    1.0] WARNING: CPU: 0 PID: 1 at kernel/pid.c:188\n[    1.1] Call Trace:\n"
      "[    1.2] Kernel panic - not syncing: Fatal exception\n");
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, StartsWith("the kernel panicked: "));
  EXPECT_THAT(*find_splat("[ 1.0] ------------[ cut here ]------------\n[ 1.0] WARNING: CPU: 0 PID: 1 at x\n"),
              HasSubstr("WARNING: CPU"));
}

}  // namespace
}  // namespace nslab
