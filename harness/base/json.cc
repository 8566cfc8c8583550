// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include <algorithm>

namespace nslab {

namespace {

/// Where a text is nested more than kMostJsonDepth deep; its size when nowhere. Up to the first mistake, brackets and
/// strings are told apart as the parser does it, and the parser goes no further than that.
std::size_t too_deep_at(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostJsonDepth) return i;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return text.size();
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
  if (too_deep_at(text) != text.size()) return std::nullopt;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::size_t json_error_line(std::string_view text) {
  const std::size_t deep = too_deep_at(text);
  try {
    [[maybe_unused]] const Json ignored = Json::parse(text.substr(0, deep));
  } catch (const Json::parse_error& error) {
    return line_of(text, std::min(error.byte == 0 ? 0 : error.byte - 1, text.size()));
  }
  return deep == text.size() ? 0 : line_of(text, deep);
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
