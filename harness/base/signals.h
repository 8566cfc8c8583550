// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "result.h"

namespace nslab {

/// True from the first SIGINT or SIGTERM on; work in progress looks at it, ends cleanly, and a second signal ends at
/// once.
bool interrupted();
void install_interrupt_handlers();
/// What an interrupted verb returns.
Error interruption();

}  // namespace nslab
