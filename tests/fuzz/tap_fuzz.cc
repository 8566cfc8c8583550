// SPDX-License-Identifier: GPL-2.0
//
// What a kernel selftest prints, read in the guest, and the lines that the guest makes of it, read on the host. The
// first byte is the test's exit status.
#include "fuzz.h"
#include "outcomes.h"
#include "tap.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const int status = input.empty() ? 0 : static_cast<unsigned char>(input.front());
  const auto cases = tap::read(input.substr(std::min<std::size_t>(1, input.size())), status << 8);
  require(!cases.empty(), "a program has at least one case");
  std::string lines;
  for (const tap::Case& ended : cases)
    lines += fmt::format("{}\t0\tf/p\t{}\t{}\n", ended.result, ended.name, ended.detail);
  const auto outcomes = lab::parse_outcomes(lines + "done\n");
  require(outcomes.has_value(), outcomes ? "" : outcomes.error().message);
  require(outcomes->size() == cases.size(), "each case is a line");
}

}  // namespace nslab::fuzz
