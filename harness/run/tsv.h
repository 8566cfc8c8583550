// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

/// Tables as text: a line of column names, then lines of fields parted by tabs, each line ended. What a reader must
/// know of all the figures stands above, in lines that begin with "# ".
namespace nslab::tsv {

using Columns = std::vector<std::string>;

std::string line(const Columns& fields);
std::string comment(std::string_view text);

/// The fields of a line, taken in the order of the columns.
class Fields {
 public:
  Fields(std::string place, std::string_view line, const Columns& columns);

  /// "samples.tsv:12", for errors.
  const std::string& place() const { return place_; }
  std::size_t count() const { return fields_.size(); }
  bool next_is_empty() const { return fields_[next_].empty(); }

  std::string text() { return std::string(fields_[next_++]); }

  /// Exit::user when the field is no number, or one too large.
  template <class Number>
  Result<Number> number() {
    const std::string& column = (*columns_)[next_];
    const std::string_view field = fields_[next_++];
    Number number{};
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    if (error == std::errc::result_out_of_range) return user_error("{}: {} is too large a {}", place_, field, column);
    if (error != std::errc() || end != field.data() + field.size()) {
      return user_error("{}: '{}' is no number: the column is {}", place_, field, column);
    }
    return number;
  }

 private:
  std::string place_;
  const Columns* columns_;
  std::vector<std::string_view> fields_;
  std::size_t next_ = 0;
};

/// The lines below the one with the names of the columns; `text` and `columns` must outlive them. `name` is the file's,
/// for errors, which are Exit::user.
Result<std::vector<Fields>> read_lines(std::string_view text, const std::filesystem::path& name,
                                       const Columns& columns);

}  // namespace nslab::tsv
