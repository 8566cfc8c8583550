// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "result.h"

namespace nslab {

/// True from the first SIGINT or SIGTERM on. Whatever takes long asks for it and ends cleanly. A second signal ends the
/// program at once.
bool interrupted();
void install_interrupt_handlers();
/// What an interrupted verb returns.
Error interruption();

}  // namespace nslab
