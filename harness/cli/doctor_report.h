// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace nslab {

/// What of this machine decides whether KVM works, as one text that a user can send: `doctor` is what the verb has
/// printed, and stands first. A part that cannot be read says so in its place. Names of the user, the host and the home
/// folder are in it still: hide_names(). `root` is for tests, which have a /proc, a /sys and a /dev of their own there.
std::string machine_report(const std::string& doctor, const std::filesystem::path& root = "/");

/// A kernel command line with the names of all parameters, and the values of those alone that say something of KVM, of
/// time or of CPUs: others can name disks, hosts or keys.
std::string public_command_line(const std::string& line);

/// What is private on this machine, each with the word that stands for it in a report.
std::vector<std::pair<std::string, std::string>> private_names();

/// The text with each name replaced where it stands as a word of its own.
std::string hide_names(std::string text, const std::vector<std::pair<std::string, std::string>>& names);

}  // namespace nslab
