// SPDX-License-Identifier: GPL-2.0
#include "kernel_make.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <regex>

#include "files.h"
#include "output.h"
#include "progress.h"
#include "signals.h"
#include "text.h"

namespace nslab {

namespace {

constexpr std::size_t kShownLines = 30;
constexpr std::size_t kShownErrors = 20;

// The largest of the kernel's files take a compiler about that much.
constexpr std::uint64_t kCompilerMib = 300;

/// What tools print when the machine lacks something: the disk, memory, a program (as sh and as make itself say it),
/// and the headers of the two libraries that the kernel's own host programs are built with.
bool tells_of_a_lack(const std::string& line) {
  static const std::regex lack(
      "No space left on device|Disk quota exceeded|Cannot allocate memory|Killed signal terminated program|"
      "sh: [0-9]+: [^ /]+: not found$|: command not found$|make(\\[[0-9]+\\])?: [^ /]+: No such file or directory$|"
      "fatal error: (openssl/|gelf\\.h|libelf\\.h)");
  return std::regex_search(line, lack);
}

/// What compilers, the linker, Kconfig and make print of an error.
bool tells_of_an_error(const std::string& line) {
  static const std::regex error("error: |undefined reference|multiple definition|syntax error|\\*\\*\\* ");
  return std::regex_search(line, error);
}

/// "Its errors: …", as far as the last lines do not show them anyway; empty when they do.
std::string errors_of(const std::vector<std::string>& lines) {
  std::string errors;
  std::size_t count = 0;
  for (std::size_t i = 0; i + kShownLines < lines.size(); ++i) {
    if (!tells_of_an_error(lines[i])) continue;
    if (++count > kShownErrors) {
      errors += "\n  …";
      break;
    }
    errors += "\n  " + lines[i];
    // The line of the source, and where in it, which GCC prints below the error.
    for (std::size_t below = i + 1; below < std::min(i + 3, lines.size()) && lines[below].starts_with(" "); ++below) {
      if (lines[below].find(" | ") != std::string::npos) errors += "\n  " + lines[below];
    }
  }
  return errors.empty() ? "" : "\nIts errors:" + errors;
}

}  // namespace

int default_build_jobs(const Resources& usable) {
  return static_cast<int>(std::clamp<std::uint64_t>(usable.memory_mib / kCompilerMib, 1, usable.cores));
}

Command kernel_make(const std::filesystem::path& tree, const std::filesystem::path& folder,
                    const std::vector<std::string>& arguments, bool llvm) {
  Command command;
  command.argv = {"make",
                  "-C",
                  tree.string(),
                  "O=" + folder.string(),
                  "KBUILD_BUILD_USER=nslab",
                  "KBUILD_BUILD_HOST=nslab",
                  "KBUILD_BUILD_TIMESTAMP=2025-01-01 00:00:00 UTC",
                  "KBUILD_BUILD_VERSION=1",
                  "LOCALVERSION="};
  if (llvm) command.argv.emplace_back("LLVM=1");
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

std::optional<std::string> full_disk_evidence(const std::filesystem::path& folder) {
  // Of the 1 GB that a build takes. A linker that ends for lack of room has removed its own file by then.
  constexpr std::uintmax_t kLittle = 256 << 20;
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error || space.available >= kLittle) return std::nullopt;
  return fmt::format(
      "the disk of {} has {} MiB left, a kernel's build takes some 1,000: make room there, or set "
      "NSLAB_CACHE",
      folder.string(), space.available >> 20);
}

Error failed_make(const std::string& what, int wait_status, const std::string& output,
                  const std::optional<std::string>& oom_evidence, const std::optional<std::string>& disk_evidence) {
  const auto lines = lines_of(output);
  const auto lack = std::find_if(lines.begin(), lines.end(), tells_of_a_lack);
  const std::string status = describe_status(wait_status);
  const std::string end =
      fmt::format("{}\nIt last printed:\n  {}", errors_of(lines), fmt::join(last_lines(output, kShownLines), "\n  "));
  const std::string oom = oom_evidence ? *oom_evidence + ": give --jobs a smaller number.\n" : "";
  if (lack != lines.end()) {
    return machine_error("{} failed ({}): this machine lacks something, see 'nslab doctor':\n  {}\n{}{}", what, status,
                         *lack, oom, end.starts_with('\n') ? end.substr(1) : end);
  }
  // A tool whose own message does not fit on the disk fails without a word.
  if (disk_evidence) return machine_error("{} failed ({}): {}{}", what, status, *disk_evidence, end);
  if (!WIFEXITED(wait_status)) return machine_error("{} was killed ({}). {}{}", what, status, oom, end);
  return user_error("{} failed ({}); mend the patch, the setting or the source that it names.{}", what, status, end);
}

Result<std::uint64_t> compile_kernel(const Compilation& what, const ClockWatch& clock) {
  const int jobs = what.jobs == 0 ? default_build_jobs(usable_resources()) : what.jobs;
  const auto log = what.folder / "build.log";
  Command command = kernel_make(what.tree, what.folder, {fmt::format("-j{}", jobs), "bzImage"}, what.llvm);
  command.output = log;
  // When nslab is killed, make stops its compilers. They hold the lock until the last of them has ended, so that nobody
  // sweeps a folder that is still written to, or builds in it.
  command.inherited_fds = {what.lock};
  command.death_signal = SIGTERM;

  std::error_code none;
  std::filesystem::remove(log, none);  // of the build before, in a folder that is built in again
  print_err("{}: building with {} jobs\n", what.label, jobs);
  const OomWatch oom_killer;
  auto process = TRY(Process::start(command));
  Progress progress(what.label, "objects", what.expected_objects);
  std::ifstream output(log);
  std::uint64_t objects = 0;
  std::optional<int> status;
  while (!status) {
    status = process.wait_for(0.5);
    if (interrupted()) return interruption();
    if (const double set_back = clock.set_back_seconds(); set_back > 0) {
      return machine_error(
          "{}: the clock was set back by {} during the build. make goes by the times of files and may have left out "
          "what it should have compiled, so that the kernel is not kept: build it again",
          what.label, duration_text(set_back));
    }
    for (std::string line; std::getline(output, line);)
      objects += line.starts_with("  CC ") || line.starts_with("  AS ") ? 1 : 0;
    output.clear();
    progress.update(objects);
  }
  if (*status != 0)
    return failed_make(what.label + ": the build", *status, read_file(log).value_or(""), oom_killer.evidence(),
                       full_disk_evidence(what.folder));
  return objects;
}

}  // namespace nslab
