// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>

namespace nslab {

/// The text without what could harm a terminal: only ASCII's visible characters, spaces, tabs and ends of lines stay.
/// All text that comes from a guest goes through it before it is shown or stored.
std::string printable(std::string_view text);

}  // namespace nslab
