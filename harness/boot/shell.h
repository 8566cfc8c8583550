// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "accelerator.h"
#include "image.h"
#include "paths.h"
#include "result.h"

namespace nslab {

/// The guest of 'nslab shell': nothing is measured in it.
struct ShellSettings {
  std::string kernel;  ///< its name, for messages
  std::filesystem::path vmlinux;
  std::filesystem::path initramfs;  ///< with the program shell-init as /init
  std::filesystem::path plugins;    ///< the folder of guard.so
  Accelerator accelerator = Accelerator::tcg;
  int memory_mib = 1024;
  int vcpus = 1;
  int depth = 0;                         ///< pid namespaces below the initial one
  std::vector<std::string> command;      ///< argv, in the guest
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string request = {};              ///< for the worker that the command starts, JSON; empty: it starts none
  bool disturbed = false;                ///< the worker loses the CPU now and then, for who samples it
  /// The descriptor that gets what the guest prints. Only with the standard output goes the standard input, or the
  /// user's terminal.
  int output = 1;
  std::string fetched = {};  ///< a file of the guest that comes into the folder at the end, as "fetched"; empty: none
  /// Called once the command is about to start, with QEMU's process id. An error ends the guest.
  std::function<Result<void>(int)> at_start = {};
};

/// make_image() with shell-init in the place of the guest's usual init. Exit::machine when that is not built.
Result<Image> make_shell_image(const Paths& paths, std::map<std::string, std::filesystem::path> more);

/// The key that leaves a shell from the user's terminal, whatever the guest does: Ctrl-].
inline constexpr char kLeaveKey = 0x1d;

/// Boots, and joins the guest's terminal to this program's standard input and output until the command ends. Where
/// standard input is a terminal, each key goes to the guest, Ctrl-C too, and so does the terminal's size. A file or a
/// pipe there reaches the command byte by byte, and so does what the command prints. Returns the command's exit status,
/// or 128 and the signal that ended it; 141 when nobody reads what it prints any more; nothing when the user has left
/// by kLeaveKey. `folder` gets what QEMU reads and writes. Exit::says_no when the guest ends in another way or refuses
/// the depth; Exit::machine when QEMU cannot be started, or when the output cannot be written.
Result<std::optional<int>> run_shell(const ShellSettings& settings, const std::filesystem::path& folder);

}  // namespace nslab
