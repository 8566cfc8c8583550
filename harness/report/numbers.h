// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

namespace nslab {

/// A number with thousands separators and a true minus sign, as "−1,234.5". A value that rounds to zero has no sign.
std::string format_number(double value, int decimals);
/// As format_number, with a '+' before positive numbers.
std::string format_signed(double value, int decimals);

/// The fewest decimals, `least` or more, with which this value does not look like 0. `least` for what is 0 but for the
/// rounding of doubles (below 1e-9).
int decimals_that_show(double value, int least);

}  // namespace nslab
