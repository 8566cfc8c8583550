// SPDX-License-Identifier: GPL-2.0
//
// A fragment with what is wanted, and behind it a kernel's whole config.
#include <fmt/format.h>

#include <algorithm>

#include "fuzz.h"
#include "kernel_config.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const std::string wanted(take_part(input));
  const std::string config(input);
  const auto settings = settings_of(wanted);
  const auto joined = fmt::format("{}\n", fmt::join(settings, "\n"));
  require(settings_of(joined) == settings, "settings are lines");
  const auto checked = check_settings(wanted, config);
  require(checked || checked.error().exit == Exit::user, "it is the user's mistake");
  require(checked.has_value() == check_settings(joined, config).has_value(), "only settings count");
  for (const std::string& setting : settings_of(without_modules(config))) {
    require(!setting.starts_with("CONFIG_") || setting.substr(std::min(setting.find('='), setting.size())) != "=m",
            "no module is left");
  }
}

}  // namespace nslab::fuzz
