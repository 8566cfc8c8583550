// SPDX-License-Identifier: GPL-2.0
//
// The boot plan, as PID 1 of the guest reads it.
#include <algorithm>

#include "fuzz.h"
#include "guest_plan.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const auto parsed = guest::parse_plan(input);
  if (const auto* complaint = std::get_if<std::string>(&parsed))
    return require(!complaint->empty(), "complaints speak");
  const auto& plan = std::get<guest::Plan>(parsed);
  require(!plan.cells.empty() || !plan.command.empty(), "a plan has work");
  for (const guest::Cell& cell : plan.cells) {
    require(cell.depth >= 0 && cell.depth <= 100 && cell.iterations >= 1, "cells can be measured");
    require(cell.limit_seconds >= 2 && cell.limit_seconds % 2 == 0, "the watchdog can count a cell's limit");
  }
}

}  // namespace nslab::fuzz
