// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "document.h"
#include "report.h"

namespace nslab {

/// The sections of a report, each in the file section_NAME.cc. A section that has nothing to say is empty.

/// The title, what is wrong or must be read with care, and what the run was.
Document head_section(const Report& report);

/// What each cell costs, and the cost of depth, by one statistic.
Document costs_section(const Report& report, const View& view);
/// How to read the tables of costs.
Document reading_section(const Report& report);

/// What each idea costs or saves: the answers to contrasts.
Document answers_section(const Report& report, const View& view);

/// How cost grows with a size.
Document growth_section(const Report& report, const View& view);

}  // namespace nslab
