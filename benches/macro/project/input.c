/* SPDX-License-Identifier: GPL-2.0 */
#include "calculator.h"

static char line[256];

const char* next_line(void) { return fgets(line, sizeof(line), stdin); }
