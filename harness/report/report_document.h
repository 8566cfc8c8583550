// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "document.h"
#include "report.h"

namespace nslab {

/// The whole report in words and tables, put together from its sections.
Document describe(const Report& report);

}  // namespace nslab
