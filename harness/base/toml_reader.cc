// SPDX-License-Identifier: GPL-2.0
#include "toml_reader.h"

namespace nslab {

Result<toml::table> parse_toml(std::string_view text, const std::string& file_name) {
  // Each dot of a key like a.b.c is a table in a table. The library limits other nesting and not this one, and walks
  // through tables by recursion: 40,000 dots overflow the stack, and so do 200,000 in an inline table.
  constexpr int kMostDots = 5'000;
  int dots = 0;
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '.' && ++dots > kMostDots)
      return user_error("{}:{}: the file has more than {} dots: no key may have that many parts", file_name, line,
                        kMostDots);
  }
  try {
    return toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    return user_error("{}:{}: {}", file_name, error.source().begin.line, error.description());
  }
}

std::string TomlReader::where(const char* key) const {
  const toml::node* node = table_.get(key);
  return fmt::format("{}:{}", file_, (node != nullptr ? node->source() : table_.source()).begin.line);
}

void TomlReader::fail(const toml::source_region& at, const std::string& what) {
  if (state_) state_ = user_error("{}:{}: {}", file_, at.begin.line, what);
}

void TomlReader::reject(const char* key, const std::string& what) {
  if (state_) state_ = user_error("{}: {}", where(key), what);
}

const toml::node* TomlReader::find(const char* key) {
  known_.insert(key);
  return state_ ? table_.get(key) : nullptr;
}

void TomlReader::read(const char* key, std::string& target, bool required) {
  const toml::node* node = find(key);
  if (node == nullptr) {
    if (required) reject(key, fmt::format("'{}' is missing", key));
    return;
  }
  const auto value = node->value_exact<std::string>();
  if (!value) return fail(node->source(), fmt::format("'{}' must be a string", key));
  target = *value;
}

void TomlReader::read(const char* key, bool& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<bool>();
  if (!value) return fail(node->source(), fmt::format("'{}' must be true or false", key));
  target = *value;
}

void TomlReader::read(const char* key, std::int64_t& target, std::int64_t low, std::int64_t high) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (!value) return fail(node->source(), fmt::format("'{}' must be a whole number", key));
  if (*value < low || *value > high) {
    return fail(node->source(), fmt::format("'{}' is {}, it must be from {} to {}", key, *value, low, high));
  }
  target = *value;
}

void TomlReader::read(const char* key, int& target, int low, int high) {
  std::int64_t value = target;
  read(key, value, low, high);
  target = static_cast<int>(value);
}

void TomlReader::read(const char* key, std::uint64_t& target, std::int64_t low, std::int64_t high) {
  auto value = static_cast<std::int64_t>(target);
  read(key, value, low, high);
  target = static_cast<std::uint64_t>(value);
}

void TomlReader::read(const char* key, double& target, double low, double high) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value<double>();
  if (!value || !node->is_number()) return fail(node->source(), fmt::format("'{}' must be a number", key));
  if (!(*value >= low && *value <= high)) {
    return fail(node->source(), fmt::format("'{}' is {}, it must be from {} to {}", key, *value, low, high));
  }
  target = *value;
}

void TomlReader::read(const char* key, std::vector<std::string>& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) return fail(node->source(), fmt::format("'{}' must be an array of strings", key));
  target.clear();
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) return fail(element.source(), fmt::format("'{}' must hold strings only", key));
    target.push_back(*value);
  }
}

void TomlReader::read(const char* key, std::vector<int>& target, int low, int high) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) return fail(node->source(), fmt::format("'{}' must be an array of whole numbers", key));
  target.clear();
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::int64_t>();
    if (!value) return fail(element.source(), fmt::format("'{}' must hold whole numbers only", key));
    if (*value < low || *value > high) {
      return fail(element.source(), fmt::format("'{}' holds {}, it must be from {} to {}", key, *value, low, high));
    }
    target.push_back(static_cast<int>(*value));
  }
}

std::vector<const toml::table*> TomlReader::tables(const char* key) {
  std::vector<const toml::table*> tables;
  const toml::node* node = find(key);
  if (node == nullptr) return tables;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    fail(node->source(), fmt::format("'{0}' must be tables, each under [[{0}]]", key));
    return tables;
  }
  for (const toml::node& element : *array) tables.push_back(element.as_table());
  return tables;
}

std::vector<std::pair<std::string, const toml::table*>> TomlReader::named_tables(const char* key) {
  std::vector<std::pair<std::string, const toml::table*>> tables;
  const toml::node* node = find(key);
  if (node == nullptr) return tables;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    fail(node->source(), fmt::format("'{0}' must be tables, each under [{0}.NAME]", key));
    return tables;
  }
  for (const auto& [name, element] : *table) {
    if (element.as_table() == nullptr) {
      fail(element.source(), fmt::format("'{}.{}' must be a table", key, name.str()));
      return {};
    }
    tables.emplace_back(name.str(), element.as_table());
  }
  return tables;
}

Result<void> TomlReader::finish() {
  for (const auto& [key, node] : table_) {
    if (known_.contains(key.str())) continue;
    std::string names;
    for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
    fail(node.source(), fmt::format("unknown key '{}'; known here: {}", key.str(), names));
  }
  return state_;
}

}  // namespace nslab
