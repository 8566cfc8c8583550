// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// A fuzz target: NAME_fuzz.cc hands made-up bytes to one parser. libfuzzer.cc calls it with what libFuzzer makes up,
/// and replay.cc with the files of corpus/NAME. CONTRIBUTING.md says how to run and to add one.
namespace nslab::fuzz {

/// What each target defines. It has to return, whatever the bytes: a crash, a sanitizer's report, an exception or
/// a broken require() is a finding.
void try_input(std::string_view input);

/// What the parser promises of this input. Where it does not hold the program ends, as libFuzzer wants it.
inline void require(bool holds, std::string_view promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

/// Takes the input's next part, for parsers of more than one text: what is before the line "====", or all of it.
inline std::string_view take_part(std::string_view& input) {
  constexpr std::string_view kBorder = "\n====\n";
  const auto end = input.find(kBorder);
  // The newline before the border ends the part's last line.
  const auto part = input.substr(0, end == std::string_view::npos ? end : end + 1);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + kBorder.size());
  return part;
}

}  // namespace nslab::fuzz
