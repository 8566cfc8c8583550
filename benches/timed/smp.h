// SPDX-License-Identifier: GPL-2.0
#pragma once

/// Operations done on several vCPUs at once (docs/smp.md). The benchmark's process is the coordinator, which sleeps
/// while its workers measure. A worker is this program again, exec'ed as benchmarks themselves are (guest/nest.h): all
/// have an address space of one shape, however deep they run. They share a piece of memory and meet in it.
namespace nslab::timed {

/// The argument with which the coordinator starts a worker.
constexpr char kSmpWorker[] = "smp-worker";
/// The worker's descriptor of the shared memory.
constexpr int kSmpDescriptor = 3;

/// What a worker's process does, to its end.
[[noreturn]] void work_on_vcpu();

}  // namespace nslab::timed
