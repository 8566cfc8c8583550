// SPDX-License-Identifier: GPL-2.0
#include <exception>

#include "output.h"
#include "verb.h"

int main(int argc, char** argv) {
  nslab::prepare_output();
  try {
    return nslab::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    const nslab::Error told = nslab::error_of(error);
    nslab::print_err("nslab: {}\n", told.message);
    return static_cast<int>(told.exit);
  }
}
