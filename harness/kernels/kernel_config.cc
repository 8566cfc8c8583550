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

/// "CONFIG_X" of a setting.
std::string option_of(const std::string& setting) {
  return is_off(setting) ? setting.substr(2, setting.find(' ', 2) - 2) : setting.substr(0, setting.find('='));
}

Result<void> make(const fs::path& tree, const fs::path& folder, const std::string& target) {
  const auto run = TRY(run_captured(kernel_make(tree, folder, {target})));
  if (run.status != 0) return failed_make(fmt::format("'make {}' for the kernel", target), run.status, run.output);
  return {};
}

}  // namespace

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
    TRY(make(tree, folder, "tinyconfig"));
    start = TRY(read_file(file));
  }
  TRY(write_file(file, start + "\n" + settings));
  TRY(make(tree, folder, "olddefconfig"));
  return check_settings(settings, TRY(read_file(file)));
}

Result<void> configure_debian(const Base& base, const fs::path& tree, const fs::path& folder) {
  TRY(write_file(folder / ".config", TRY(read_compressed(base.debian_config))));
  return make(tree, folder, "olddefconfig");
}

}  // namespace nslab
