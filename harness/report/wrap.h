// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>

namespace nslab {

/// The columns a terminal needs for a line of UTF-8: code points, less combining marks, wide East Asian characters
/// twice.
int display_width(std::string_view utf8);

/// Breaks text at spaces into lines of at most `width` columns, each but the first indented by `indent`; 0: no limit. A
/// number is not parted from its "±" or "%".
std::string wrap(std::string_view text, int width, int indent = 0);

}  // namespace nslab
