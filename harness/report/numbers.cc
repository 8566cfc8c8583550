// SPDX-License-Identifier: GPL-2.0
#include "numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace nslab {
namespace {

constexpr std::string_view minus = "\u2212";

}  // namespace

std::string format_number(double value, int decimals) {
  std::string digits = fmt::format("{:.{}f}", std::abs(value), decimals);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  for (std::size_t i = point; i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return (value < 0 && !zero ? std::string(minus) : "") + digits;
}

std::string format_signed(double value, int decimals) {
  const std::string text = format_number(value, decimals);
  const bool zero = text.find_first_of("123456789") == std::string::npos;
  return value > 0 && !zero ? "+" + text : text;
}

int decimals_that_show(double value, int least) {
  if (std::abs(value) < 1e-9) return least;
  int decimals = least;
  while (std::abs(value) * std::pow(10, decimals) < 0.5) ++decimals;
  return decimals;
}

}  // namespace nslab
