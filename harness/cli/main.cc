// SPDX-License-Identifier: GPL-2.0
#include <exception>

#include "output.h"
#include "verb.h"

int main(int argc, char** argv) {
  nslab::prepare_output();
  try {
    return nslab::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    nslab::print_err("nslab: this is a bug of nslab: {}\n", error.what());
    return static_cast<int>(nslab::Exit::bug);
  }
}
