// SPDX-License-Identifier: GPL-2.0
#include <cstdio>
#include <exception>

#include "signals.h"
#include "verbs.h"

namespace {

int exit_code(nslab::Exit exit) { return static_cast<int>(exit); }

int run(int argc, char** argv) {
  CLI::App app("nslab: a performance lab for namespace kernels", "nslab");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 a result says no, 2 the user's mistake, 3 the machine lacks something, 4 a bug.");
  nslab::Action action;
  nslab::declare_doctor(app, action);
  nslab::declare_kernel(app, action);
  nslab::declare_bench(app, action);
  nslab::declare_run(app, action);
  nslab::declare_report(app, action);
  nslab::declare_compare(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_code(nslab::Exit::done) : exit_code(nslab::Exit::user);
  }
  nslab::install_interrupt_handlers();
  const auto result = action();
  if (result) return exit_code(nslab::Exit::done);
  std::fflush(stdout);
  fmt::print(stderr, "nslab: {}\n", result.error().message);
  return exit_code(result.error().exit);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nslab: this is a bug of nslab: %s\n", error.what());
    return exit_code(nslab::Exit::bug);
  }
}
