// SPDX-License-Identifier: GPL-2.0
#include "benchmarks.h"
#include "paths.h"
#include "verbs.h"

namespace nslab {

void declare_bench(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("bench", "the benchmarks");
  verb->require_subcommand(1);
  verb->add_subcommand("list", "each benchmark, and what it exercises in the kernel")->callback([&action] {
    action = []() -> Result<void> {
      const auto paths = TRY(find_paths());
      const auto benchmarks = TRY(list_benchmarks(paths.guest / "micro"));
      for (const Benchmark& benchmark : benchmarks) {
        fmt::print("{:<28} {:<10} {:>6} × {}\n", benchmark.name, benchmark.family, benchmark.iterations,
                   benchmark.description);
      }
      return {};
    };
  });
}

}  // namespace nslab
