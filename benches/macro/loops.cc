// SPDX-License-Identifier: GPL-2.0
//
// Programs that do one thing over and over: what the 2007 mails promised to measure ('unixbench's spawn, execl …', nptl
// perf), and a fork bomb.
#include "files.h"
#include "program.h"

using nslab::macro::kWorkload;
using nslab::macro::measure_program;

NSLAB_BENCHMARK(spawn, "macro",
                "a program: 100 times fork, exit, wait, as unixbench's spawn: copy_process(), alloc_pid(), free_pid()",
                4, 2, kWorkload) {
  measure_program(measurement, {NSLAB_FILE("macro/workload"), "spawn", "100"}, "100 processes\n");
}

NSLAB_BENCHMARK(execl, "macro",
                "a program that execs itself 50 times, as unixbench's execl: begin_new_exec(), a pid kept throughout",
                4, 2, kWorkload) {
  measure_program(measurement, {NSLAB_FILE("macro/workload"), "execl", "50"}, "50 execs\n");
}

NSLAB_BENCHMARK(nptl, "macro",
                "a program: 1,000 times pthread_create and join, as glibc 2.5's nptl/perf --sync-join: alloc_pid(), "
                "release_task() of a thread",
                2, 1, kWorkload) {
  measure_program(measurement, {NSLAB_FILE("macro/workload"), "nptl", "1000"}, "1000 threads\n");
}

NSLAB_BENCHMARK(nptl_million, "macro",
                "a program: nptl's 1,000,000 times, as in 2007: 90,000,000,000 instructions on lean, minutes of guest "
                "time (limit_seconds)",
                1, 0, kWorkload) {
  measure_program(measurement, {NSLAB_FILE("macro/workload"), "nptl", "1000000"}, "1000000 threads\n");
}

NSLAB_BENCHMARK(fork_bomb, "macro",
                "a program: a tree of 255 forks, all alive at once, all reaped: alloc_pid() and free_pid() in bulk", 4,
                3, kWorkload) {
  measure_program(measurement, {NSLAB_FILE("macro/workload"), "fork_bomb", "7"}, "255 processes alive at once\n");
}
