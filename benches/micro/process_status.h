// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <sys/types.h>

#include <charconv>
#include <string_view>
#include <vector>

namespace nslab::micro {

/// The numbers behind `field` in the text of /proc/<pid>/status, as "NSpid:\t57\t2"; empty when there is no such line.
inline std::vector<pid_t> status_numbers(std::string_view status, std::string_view field) {
  std::vector<pid_t> numbers;
  for (std::size_t at = 0; at < status.size();) {
    const std::size_t end = std::min(status.find('\n', at), status.size());
    std::string_view line = status.substr(at, end - at);
    at = end + 1;
    if (line.size() <= field.size() || !line.starts_with(field) || line[field.size()] != ':') continue;
    line.remove_prefix(field.size() + 1);
    for (;;) {
      const std::size_t digits = line.find_first_not_of(" \t");
      if (digits == std::string_view::npos) return numbers;
      line.remove_prefix(digits);
      pid_t number = 0;
      const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), number);
      if (error != std::errc()) return numbers;
      numbers.push_back(number);
      line.remove_prefix(static_cast<std::size_t>(stop - line.data()));
    }
  }
  return numbers;
}

}  // namespace nslab::micro
