// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include <algorithm>

namespace nslab {

namespace {

/// Where a text goes beyond kMostJsonDepth or kMostJsonMembers; its size when nowhere. Up to the first mistake,
/// brackets, colons and strings are told apart as the parser does it, and the parser goes no further than that.
std::size_t beyond_limits_at(std::string_view text) {
  int depth = 0;
  int members = 0;
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
    } else if (c == ':') {
      if (++members > kMostJsonMembers) return i;
    }
  }
  return text.size();
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

/// Notes how much of a text was read up to its first mistake, and keeps no value. Json::parse() would tell of mistakes
/// of grammar alone by its parse_error: a number beyond double's range (1e999) is an exception of another kind.
class MistakeFinder : public nlohmann::json_sax<Json> {
 public:
  std::size_t bytes_read() const { return bytes_read_; }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*elements*/) override { return true; }
  bool key(string_t& /*value*/) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t /*elements*/) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    bytes_read_ = position;
    return false;
  }

 private:
  std::size_t bytes_read_ = 0;
};

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
  if (beyond_limits_at(text) != text.size()) return std::nullopt;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::size_t json_error_line(std::string_view text) {
  const std::size_t limit = beyond_limits_at(text);
  MistakeFinder finder;
  if (!Json::sax_parse(text.substr(0, limit), &finder))
    return line_of(text, std::min(finder.bytes_read() == 0 ? 0 : finder.bytes_read() - 1, text.size()));
  return limit == text.size() ? 0 : line_of(text, limit);
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
