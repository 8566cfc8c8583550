// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include <algorithm>

namespace nslab {

std::optional<Json> parse_json(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::size_t json_error_line(std::string_view text) {
  try {
    [[maybe_unused]] const Json ignored = Json::parse(text);
  } catch (const Json::parse_error& error) {
    const auto before = text.substr(0, error.byte == 0 ? 0 : error.byte - 1);
    return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  }
  return 0;
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string text_member(const Json& json, const char* name) {
  if (!json.is_object()) return "";
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

Json object_member(const Json& json, const char* name) {
  if (!json.is_object()) return Json::object();
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? *found : Json::object();
}

}  // namespace nslab
