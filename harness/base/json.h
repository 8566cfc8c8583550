// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace nslab {

/// Objects keep the order in which their keys were written.
using Json = nlohmann::ordered_json;

/// Deeper nested than this, a text is taken for no JSON: the library copies and prints values by recursion, and 500,000
/// brackets from a guest would overflow our stack. What we write and read is nested less than ten deep.
constexpr int kMostJsonDepth = 64;

/// With more members than this in all its objects, a text is taken for no JSON: as objects keep their order, each key
/// is compared with all before it, and the 100,000 that fit into a guest's frame would keep us for minutes. The most
/// that we write has 1,300: the sizes of a lean kernel by object file.
constexpr int kMostJsonMembers = 10'000;

/// The value; nothing when the text is no JSON. (This and to_text() stand in json.cc because the library's templates
/// for parsing and printing take the compiler seconds in every file that uses them.)
std::optional<Json> parse_json(std::string_view text);

/// The line, from 1, in which a text ceases to be JSON; 0 when it is JSON.
std::size_t json_error_line(std::string_view text);

/// As text, in one line or, with `indent` of 0 or more, over lines; bytes that are no UTF-8 become U+FFFD.
std::string to_text(const Json& json, int indent = -1);

/// A member of a JSON object, where it is a text; otherwise, as when `json` is no object, empty.
std::string text_member(const Json& json, const char* name);
/// A member of a JSON object, where it is an object; otherwise an empty one.
Json object_member(const Json& json, const char* name);

}  // namespace nslab
