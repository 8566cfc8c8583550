// SPDX-License-Identifier: GPL-2.0
//
// kernels.toml.
#include "fuzz.h"
#include "kernel_table.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const auto table = parse_kernel_table(input, "kernels.toml");
  if (!table) {
    require(table.error().exit == Exit::user, "it is the user's mistake");
    return require(table.error().message.starts_with("kernels.toml:"), "errors say where");
  }
  for (const Model& model : table->models) {
    require(table->model(model.name).has_value(), "a model is found by its name");
    if (model.build_base == nullptr) continue;
    require(model.build_base->is_build_base && model.build_base->build_base == nullptr, "build bases have none");
  }
  for (const Profile& profile : table->profiles)
    require(profile.start == "debian" || profile.start == "tiny", "a profile starts with a known config");
}

}  // namespace nslab::fuzz
