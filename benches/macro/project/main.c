/* SPDX-License-Identifier: GPL-2.0 */
#include "calculator.h"

int main(void) {
  const char* line;

  while ((line = next_line())) {
    clear_code();
    start_tokens(line);
    parse_line();
    printf("%ld\n", run_code());
  }
  return 0;
}
