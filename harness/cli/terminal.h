// SPDX-License-Identifier: GPL-2.0
#pragma once

namespace nslab {

/// Columns of the terminal that stdout is, or 0 where it is none.
int terminal_columns();

}  // namespace nslab
