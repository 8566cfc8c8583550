// SPDX-License-Identifier: GPL-2.0
#include "selftests.h"

#include <gnu/libc-version.h>

#include <algorithm>
#include <thread>

#include "files.h"
#include "hash.h"
#include "kernel_build.h"
#include "locks.h"
#include "processes.h"

namespace nslab::lab {
namespace fs = std::filesystem;

namespace {

// Part of the hash: to be raised when the steps below change what comes out.
constexpr int kRecipe = 1;

/// A program's name, without its arguments.
std::string program_name(const std::string& program) { return program.substr(0, program.find(' ')); }

Result<std::string> key_of(const fs::path& tree, const SelftestList& list) {
  const auto compiler = run_captured({.argv = {"gcc", "--version"}});
  if (!compiler || compiler->status != 0) return machine_error("gcc is missing: apt-get install gcc");
  Hasher hasher;
  // The tree is named by the hash of the source and its patches.
  hasher.part("recipe", std::to_string(kRecipe)).part("source", tree.filename().string());
  hasher.part("compiler", compiler->output).part("libc", gnu_get_libc_version());
  for (const SelftestFolder& folder : list.folders) {
    hasher.part("folder", folder.name);
    for (const std::string& program : folder.programs) hasher.part("program", program_name(program));
  }
  return hasher.hex();
}

/// Runs make, which keeps the lock should we be killed. Its wait status; the output is appended to `log`.
Result<int> make(std::vector<std::string> arguments, const FileLock& lock, std::string& log) {
  Command command;
  command.argv = {"make", fmt::format("-j{}", std::max(1U, std::thread::hardware_concurrency()))};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.inherited_fds = {lock.fd()};
  command.death_signal = SIGTERM;
  auto run = TRY(run_captured(command));
  log += run.output;
  return run.status;
}

Result<void> build_into(const fs::path& folder, const fs::path& tree, const SelftestList& list, const FileLock& lock,
                        const fs::path& headers) {
  std::string log;
  const auto made = TRY(make({"-s", "-C", tree.string(), "O=" + headers.string(), "headers"}, lock, log));
  if (made != 0) return machine_error("'make headers' failed ({}):\n{}", describe_status(made), log);
  std::error_code error;
  bool any = false;
  for (const SelftestFolder& part : list.folders) {
    const fs::path output = folder / part.name;
    TRY(make_folders(output));
    std::vector<std::string> arguments = {"-k",
                                          "-C",
                                          (tree / "tools/testing/selftests" / part.name).string(),
                                          "OUTPUT=" + output.string(),
                                          "KHDR_INCLUDES=-isystem " + (headers / "usr/include").string(),
                                          "USERLDFLAGS=-static -s"};
    for (const std::string& program : part.programs) arguments.push_back((output / program_name(program)).string());
    TRY(make(arguments, lock, log));
    any = any || !fs::is_empty(output, error);
  }
  if (!any) return machine_error("no kernel selftest can be built here:\n{}", log);
  return write_file(folder / "build.log", log);
}

}  // namespace

Result<fs::path> build_selftests(const Paths& paths, const Base& base, const SelftestList& list) {
  const auto tree = TRY(KernelBuilder(paths).source_tree(base, true));
  const auto key = TRY(key_of(tree, list));
  const fs::path target = paths.cache / "selftests" / key.substr(0, 16);
  if (fs::exists(target)) return target;

  const std::string prefix = "selftests-" + target.filename().string();
  const auto say_waiting = [] { fmt::print(stderr, "another process builds the kernel selftests; waiting for it\n"); };
  auto lock = TRY(FileLock::wait(paths.cache / "locks" / prefix, say_waiting));
  if (fs::exists(target)) return target;
  fmt::print(stderr, "building the kernel selftests\n");
  TRY(TempFolder::sweep(paths.cache / "tmp", prefix));
  auto folder = TRY(TempFolder::make(paths.cache / "tmp", prefix));
  const auto headers = TRY(TempFolder::make(paths.cache / "tmp", prefix + "-headers"));
  TRY(build_into(folder.path(), tree, list, lock, headers.path()));
  TRY(make_folders(target.parent_path()));
  TRY(folder.rename_to(target));
  return target;
}

}  // namespace nslab::lab
