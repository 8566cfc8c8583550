// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "result.h"

namespace nslab {

/// True from the first SIGINT, SIGTERM or SIGHUP on. Work in progress looks at it and ends cleanly. A second signal
/// ends the program at once.
bool interrupted();
/// Also undoes what a caller may have left: SIGCHLD ignored, signals blocked. SIGINT and SIGHUP stay ignored where the
/// caller ignores them, as nohup(1) does.
void install_interrupt_handlers();
/// What an interrupted verb returns.
Error interruption();

}  // namespace nslab
