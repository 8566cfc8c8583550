// SPDX-License-Identifier: GPL-2.0
#include "build_name.h"

#include <charconv>

namespace nslab {

std::string name_of_build(const std::string& kernel, int build) {
  return build == 0 ? kernel : kernel + "~" + std::to_string(build);
}

std::pair<std::string, int> kernel_and_build(const std::string& name) {
  const auto sign = name.rfind('~');
  if (sign == std::string::npos) return {name, 0};
  int build = 0;
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + sign + 1, end, build);
  if (read.ec != std::errc() || read.ptr != end || build < 1) return {name, 0};
  return {name.substr(0, sign), build};
}

}  // namespace nslab
