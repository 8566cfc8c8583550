// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "document.h"
#include "report.h"

namespace nslab {

/// The whole report in words and tables, put together from its sections: the summary stands behind the title.
Document describe(const Report& report);

/// The same for a terminal, where a reader sees the end first: the summary stands there as well, at both places with
/// `files`, which are facts about where tables, plots and page are.
Document describe_for_terminal(const Report& report, const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace nslab
