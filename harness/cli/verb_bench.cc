// SPDX-License-Identifier: GPL-2.0
#include "benchmarks.h"
#include "output.h"
#include "paths.h"
#include "verb.h"

namespace nslab::verb_bench {
namespace {

Result<void> list() {
  const auto paths = TRY(find_paths_to_read());
  for (const Benchmark& benchmark : TRY(list_benchmarks(paths.guest, Meter::time))) {
    print_out("{:<28} {:<10} {:>6} × {}{}\n", benchmark.name, benchmark.family, benchmark.iterations,
              benchmark.needs_time() ? "time meter only: " : "", benchmark.description);
  }
  return {};
}

const RegisterVerb group({.name = "bench", .help = "list the benchmarks", .examples = "", .declare = nullptr});

const RegisterVerb registered({
    .name = "bench list",
    .help = "list each benchmark: its family, its repetitions in a boot, whether it needs the time meter, and what it "
            "exercises in the kernel",
    .examples = "  nslab bench list | grep lifecycle         the benchmarks of one family",
    .declare = [](Arguments&) -> Action { return list; },
});

}  // namespace
}  // namespace nslab::verb_bench
