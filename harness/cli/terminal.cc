// SPDX-License-Identifier: GPL-2.0
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace nslab {

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace nslab
