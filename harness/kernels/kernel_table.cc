// SPDX-License-Identifier: GPL-2.0
#include "kernel_table.h"

#include <algorithm>
#include <map>

#include "build_name.h"
#include "files.h"
#include "text.h"
#include "toml_reader.h"

namespace nslab {

namespace {

constexpr std::string_view kLayout = "CONFIG_LAYOUT_TWIN";  // of the series' patch "init: let the layout of …"

template <class T>
Result<T> find(const std::vector<T>& entries, const std::string& name, const char* what) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const T& entry) { return entry.name == name; });
  if (found != entries.end()) return *found;
  std::vector<std::string> names;
  for (const T& entry : entries) names.push_back(entry.name);
  return user_error("{}", unknown_name(what, name, names));
}

}  // namespace

Result<Base> KernelTable::base(const std::string& name) const { return find(bases, name, "base"); }
Result<Profile> KernelTable::profile(const std::string& name) const { return find(profiles, name, "profile"); }

Result<Model> KernelTable::model(const std::string& name) const {
  const auto [kernel, build] = kernel_and_build(name);
  Model model = TRY(find(models, kernel, "model"));
  if (build == 0) return model;
  if (!model.series.empty()) {
    return user_error("{}: a model with a series of its own has no other builds, as its series moves no code", name);
  }
  if (model.is_build_base) model.build_base = std::make_shared<const Model>(model);
  model.is_build_base = false;
  model.name = name;
  model.description += fmt::format(", with code and data at other addresses, layout {}", build);
  std::erase_if(model.config, [](const std::string& line) { return line.starts_with(kLayout); });
  model.config.push_back(fmt::format("{}={}", kLayout, build));
  return model;
}

Result<KernelTable> parse_kernel_table(std::string_view text, const std::string& file) {
  const auto document = TRY(parse_toml(text, file));

  KernelTable table;
  TomlReader reader(document, file);
  for (const auto& [name, entry] : reader.named_tables("base")) {
    std::string source;
    std::string config;
    Base base{.name = name, .description = {}, .source = {}, .debian_config = {}, .series = {}};
    TomlReader fields(*entry, file);
    fields.read("description", base.description, true);
    fields.read("source", source, true);
    fields.read("debian_config", config, true);
    fields.read("series", base.series, true);
    fields.read("tiny_fragment", base.tiny_fragment);
    TRY(fields.finish());
    base.source = source;
    base.debian_config = config;
    table.bases.push_back(std::move(base));
  }
  for (const auto& [name, entry] : reader.named_tables("profile")) {
    Profile profile;
    profile.name = name;
    TomlReader fields(*entry, file);
    fields.read("description", profile.description, true);
    fields.read("start", profile.start, true);
    fields.read("fragments", profile.fragments);
    fields.read("measurable", profile.measurable);
    fields.read("objects", profile.objects, 1, 1'000'000);
    if (profile.start != "debian" && profile.start != "tiny") {
      fields.reject("start", fmt::format("'start' is '{}', it must be \"debian\" or \"tiny\"", profile.start));
    }
    TRY(fields.finish());
    table.profiles.push_back(std::move(profile));
  }
  std::map<std::string, std::string> build_bases;  // by model; empty where it has none
  for (const auto& [name, entry] : reader.named_tables("model")) {
    const bool plain = !name.empty() && name.size() <= 64 && name[0] != '.' &&
                       std::all_of(name.begin(), name.end(), [](unsigned char c) {
                         return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '_' || c == '.';
                       });
    if (!plain) return user_error("{}: the model name '{}' must be letters, digits and +-_., at most 64", file, name);
    Model model;
    model.name = name;
    TomlReader fields(*entry, file);
    fields.read("description", model.description, true);
    fields.read("config", model.config);
    fields.read("series", model.series);
    fields.read("build_base", build_bases[name]);
    if (!model.series.empty() && !build_bases[name].empty())
      fields.reject("series", "a model with a series of its own shares no objects: take 'build_base' away");
    TRY(fields.finish());
    table.models.push_back(std::move(model));
  }
  for (const auto& [name, build_base] : build_bases) {
    if (build_base.empty()) continue;
    const auto found = std::find_if(table.models.begin(), table.models.end(),
                                    [&wanted = build_base](const Model& model) { return model.name == wanted; });
    if (found == table.models.end() || !build_bases.at(build_base).empty()) {
      return user_error("{}: 'build_base' of model '{}' is '{}', it must be a model that has no build base itself",
                        file, name, build_base);
    }
    found->is_build_base = true;
  }
  for (Model& model : table.models) {
    if (const std::string& name = build_bases.at(model.name); !name.empty())
      model.build_base = std::make_shared<const Model>(*table.model(name));
  }
  TRY(reader.finish());
  return table;
}

Result<KernelTable> load_kernel_table(const std::filesystem::path& folder) {
  const auto file = folder / "kernels.toml";
  return parse_kernel_table(TRY(read_file(file)), file.string());
}

}  // namespace nslab
