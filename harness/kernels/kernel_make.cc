// SPDX-License-Identifier: GPL-2.0
#include "kernel_make.h"

#include <sys/wait.h>

#include <algorithm>
#include <regex>

#include "text.h"

namespace nslab {

namespace {

constexpr std::size_t kShownLines = 30;

/// What tools print when the machine lacks something: the disk, memory, a program (as sh and as make itself say it),
/// and the headers of the two libraries that the kernel's own host programs are built with.
bool tells_of_a_lack(const std::string& line) {
  static const std::regex lack(
      "No space left on device|Disk quota exceeded|Cannot allocate memory|Killed signal terminated program|"
      "sh: [0-9]+: [^ /]+: not found$|: command not found$|make(\\[[0-9]+\\])?: [^ /]+: No such file or directory$|"
      "fatal error: (openssl/|gelf\\.h|libelf\\.h)");
  return std::regex_search(line, lack);
}

}  // namespace

Command kernel_make(const std::filesystem::path& tree, const std::filesystem::path& folder,
                    const std::vector<std::string>& arguments) {
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
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

Error failed_make(const std::string& what, int wait_status, const std::string& output) {
  const auto lines = lines_of(output);
  const auto lack = std::find_if(lines.begin(), lines.end(), tells_of_a_lack);
  const std::string status = describe_status(wait_status);
  const std::string end = fmt::format("{}", fmt::join(last_lines(output, kShownLines), "\n  "));
  if (lack != lines.end()) {
    return machine_error(
        "{} failed ({}): this machine lacks something, see 'nslab doctor':\n  {}\nIt last printed:\n  {}", what, status,
        *lack, end);
  }
  if (!WIFEXITED(wait_status)) return machine_error("{} was killed ({}); it last printed:\n  {}", what, status, end);
  return user_error("{} failed ({}); mend the patch, the setting or the source that it names. It last printed:\n  {}",
                    what, status, end);
}

}  // namespace nslab
