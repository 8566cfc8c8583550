// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>

namespace nslab {

/// Base 64 (RFC 4648, section 4, by OpenSSL), in one line.
std::string base64(std::string_view bytes);

}  // namespace nslab
