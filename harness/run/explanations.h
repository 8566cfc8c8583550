// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "explanation.h"
#include "result.h"

namespace nslab {

/// The lines as a table of text (tsv.h), in their order.
std::string explanations_text(const std::vector<Explanation>& explanations);

/// The reverse. Whatever is not as explanations_text() makes it is Exit::user, with the file's name and the line.
Result<std::vector<Explanation>> parse_explanations(std::string_view text, const std::filesystem::path& name);

}  // namespace nslab
