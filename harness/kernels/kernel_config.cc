// SPDX-License-Identifier: GPL-2.0
#include "kernel_config.h"

#include <map>
#include <set>

#include "archives.h"
#include "files.h"
#include "kernel_make.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

bool is_off(const std::string& setting) { return setting.starts_with("#"); }

/// "CONFIG_X=" of a setting that is a text, any other as it is.
std::string without_text(const std::string& setting) {
  const auto quote = setting.find("=\"");
  return quote == std::string::npos ? setting : setting.substr(0, quote + 1);
}

Result<void> make(const fs::path& tree, const fs::path& folder, const std::string& target, bool llvm) {
  const auto run = TRY(run_captured(kernel_make(tree, folder, {target}, llvm)));
  if (run.status != 0)
    return failed_make(fmt::format("'make {}' for the kernel", target), run.status, run.output, std::nullopt,
                       full_disk_evidence(folder));
  return {};
}

}  // namespace

std::string option_of(const std::string& setting) {
  return is_off(setting) ? setting.substr(2, setting.find(' ', 2) - 2) : setting.substr(0, setting.find('='));
}

Result<void> complete_config(const fs::path& tree, const fs::path& folder, bool llvm) {
  return make(tree, folder, "olddefconfig", llvm);
}

std::vector<std::string> settings_of(const std::string& fragment) {
  std::vector<std::string> settings;
  for (const std::string& line : lines_of(fragment)) {
    if (line.starts_with("CONFIG_") || (line.starts_with("# CONFIG_") && line.ends_with(" is not set")))
      settings.push_back(line);
  }
  return settings;
}

std::string without_modules(const std::string& config) {
  std::string result;
  for (const std::string& line : lines_of(config)) {
    const bool is_module = line.starts_with("CONFIG_") && line.substr(option_of(line).size()) == "=m";
    result += is_module ? "# " + option_of(line) + " is not set\n" : line + "\n";
  }
  return result + "# CONFIG_MODULES is not set\n";
}

Result<void> check_settings(const std::string& wanted, const std::string& config) {
  std::map<std::string, std::string> last;  // setting by option
  for (const std::string& setting : settings_of(wanted)) last[option_of(setting)] = setting;
  std::set<std::string> settings;
  std::set<std::string> on;
  for (const std::string& setting : settings_of(config)) {
    settings.insert(setting);
    if (!is_off(setting)) on.insert(option_of(setting));
  }
  std::string lost;
  for (const auto& [option, setting] : last) {
    const bool holds = is_off(setting) ? !on.contains(option) : settings.contains(setting);
    if (!holds) lost += "\n  " + setting;
  }
  if (lost.empty()) return {};
  return user_error(
      "these settings did not survive 'make olddefconfig'. The source has no such option, or an option that it depends "
      "on is off; mend the model, the profile's fragment or the source:{}",
      lost);
}

Result<void> configure_kernel(const Base& base, const Profile& profile, const std::string& settings,
                              const fs::path& tree, const fs::path& folder) {
  const fs::path file = folder / ".config";
  std::string start;
  if (profile.start == "debian") {
    start = without_modules(TRY(read_compressed(base.debian_config)));
  } else {
    TRY(make(tree, folder, "tinyconfig", profile.llvm));
    start = TRY(read_file(file));
  }
  TRY(write_file(file, start + "\n" + settings));
  TRY(complete_config(tree, folder, profile.llvm));
  return check_settings(settings, TRY(read_file(file)));
}

Result<void> check_compiled_settings(const fs::path& folder) {
  const std::string config = TRY(read_file(folder / ".config"));
  const std::string for_make = TRY(read_file(folder / "include/config/auto.conf"));
  const std::string for_compilers = TRY(read_file(folder / "include/generated/autoconf.h"));
  std::set<std::string> settings;
  std::set<std::string> definitions;
  for (const std::string& setting : settings_of(config)) {
    if (is_off(setting)) continue;
    const std::string option = option_of(setting);
    const std::string value = setting.substr(option.size() + 1);
    settings.insert(without_text(setting));
    definitions.insert(value == "m" ? fmt::format("#define {}_MODULE 1", option)
                                    : fmt::format("#define {} {}", option, value == "y" ? "1" : value));
  }
  std::set<std::string> made;
  for (const std::string& line : settings_of(for_make)) {
    // A text has no quotes here. Which options are texts, only .config tells.
    const std::string as_text = option_of(line) + "=";
    made.insert(settings.contains(as_text) ? as_text : line);
  }
  std::set<std::string> compiled;
  for (const std::string& line : lines_of(for_compilers)) {
    if (line.starts_with("#define CONFIG_")) compiled.insert(line);
  }
  if (settings == made && definitions == compiled) return {};
  return machine_error(
      "the kernel in {} was compiled with other settings than its .config has, and is not kept. The clock was probably "
      "set "
      "back while it was built: build it again",
      folder.string());
}

Result<void> configure_debian(const Base& base, const fs::path& tree, const fs::path& folder) {
  TRY(write_file(folder / ".config", TRY(read_compressed(base.debian_config))));
  return complete_config(tree, folder);
}

}  // namespace nslab
