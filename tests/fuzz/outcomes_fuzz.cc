// SPDX-License-Identifier: GPL-2.0
//
// A list of selftests, and the lines that a guest prints of them.
#include "fuzz.h"
#include "outcomes.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const auto list = lab::parse_selftests(take_part(input), "selftests.toml");
  const auto outcomes = lab::parse_outcomes(input);
  require(list || list.error().exit == Exit::user, "a list is the user's");
  require(outcomes || outcomes.error().exit == Exit::says_no, "outcomes are the guest's");
  if (!list || !outcomes) return;
  const lab::Tested tested = {.model = "multi", .levels = 32};
  lab::judge(*outcomes, *list, tested);
  lab::table_of(*outcomes, *list, tested);
}

}  // namespace nslab::fuzz
