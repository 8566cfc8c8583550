// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

/// What the kernel's selftests did in a guest, against what a list says they do.
namespace nslab::lab {

constexpr int kDeepest = 3;  ///< depth at which a test is run

/// How one test case ended at one depth.
struct Outcome {
  std::string result;  ///< pass, fail, skip or xfail
  int depth = 0;
  std::string program;  ///< as FOLDER/NAME with its arguments
  std::string name;     ///< the case's; empty: the program as a whole
  std::string detail;
};

/// Test programs of one folder below tools/testing/selftests.
struct SelftestFolder {
  std::string name;
  std::vector<std::string> programs;  ///< each with its arguments
};

/// One or more test cases that do not pass. Names of cases, bases and models are patterns as in fnmatch(3).
struct Expectation {
  std::string program;
  std::string name;  ///< of the case
  std::vector<std::string> bases;
  std::vector<std::string> models;
  std::vector<int> depths;
  std::vector<int> below;  ///< only where the model allows so many pid namespaces below the test's own; empty: anywhere
  std::string result;      ///< fail, skip or xfail
  std::string reason;
};

struct SelftestList {
  std::vector<SelftestFolder> folders;
  std::vector<Expectation> expected;
};

/// Reads a list as tests/selftests.toml is one. Exit::user with file and line when it is wrong: an entry for a program
/// that is not run, an unknown result, a missing reason.
Result<SelftestList> parse_selftests(std::string_view text, const std::string& file_name);

/// The lines of run_selftests. Exit::says_no when one is none, or when the last is missing.
Result<std::vector<Outcome>> parse_outcomes(std::string_view output);

/// The model that outcomes come from.
struct Tested {
  std::string model;
  int levels = 0;         ///< pid namespaces that it allows below the initial one
  std::string base = {};  ///< the source it is built on
  /// The depths it is tested at are 0 to this.
  int max_depth() const { return std::min(levels, kDeepest); }
};

/// What is not as listed for this model, a line each: a case that fails, is skipped or passes though it should not; an
/// entry that applies to nothing; a program that said nothing. Empty: all is well.
std::vector<std::string> judge(const std::vector<Outcome>& outcomes, const SelftestList& list, const Tested& tested);

/// Program × depth, with the numbers of cases; below it each case that did not pass, with the list's reason.
std::string table_of(const std::vector<Outcome>& outcomes, const SelftestList& list, const Tested& tested);

}  // namespace nslab::lab
