// SPDX-License-Identifier: GPL-2.0
#include <cstdio>
#include <exception>

#include "verb.h"

int main(int argc, char** argv) {
  try {
    return nslab::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nslab: this is a bug of nslab: %s\n", error.what());
    return static_cast<int>(nslab::Exit::bug);
  }
}
