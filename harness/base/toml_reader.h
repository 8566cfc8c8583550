// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace nslab {

/// Parses a TOML document; a syntax error is Exit::user with file and line, and so are more than 5,000 dots.
Result<toml::table> parse_toml(std::string_view text, const std::string& file_name);

/// Reads the keys of one TOML table, strictly: a wrong type, a value out of range, a missing required key and, at
/// finish(), a key that nobody asked for are errors with file and line. The first error is kept, and reads after it do
/// nothing.
class TomlReader {
 public:
  TomlReader(const toml::table& table, std::string file_name) : table_(table), file_(std::move(file_name)) {}

  void read(const char* key, std::string& target, bool required = false);
  void read(const char* key, bool& target);
  void read(const char* key, std::int64_t& target, std::int64_t low, std::int64_t high);
  void read(const char* key, int& target, int low, int high);
  void read(const char* key, std::uint64_t& target, std::int64_t low, std::int64_t high);
  void read(const char* key, double& target, double low, double high);
  void read(const char* key, std::vector<std::string>& target);
  void read(const char* key, std::vector<int>& target, int low, int high);
  /// The tables of an array of tables.
  std::vector<const toml::table*> tables(const char* key);
  /// The key as a table of tables, name by name.
  std::vector<std::pair<std::string, const toml::table*>> named_tables(const char* key);

  /// Makes an error that names the key's line, unless there is an error already.
  void reject(const char* key, const std::string& what);
  /// "file:line" of the key, or of the table where there is no such key.
  std::string where(const char* key) const;
  /// The first error of the reads so far, or success.
  Result<void> finish_so_far() const { return state_; }
  /// The first error, or an error for the first unknown key, or success.
  Result<void> finish();

 private:
  const toml::node* find(const char* key);
  void fail(const toml::source_region& at, const std::string& what);

  const toml::table& table_;
  std::string file_;
  std::set<std::string, std::less<>> known_;
  Result<void> state_;
};

}  // namespace nslab
