// SPDX-License-Identifier: GPL-2.0
#include "verb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_command_line.h"

namespace nslab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::vector<std::string>> kVerbs = {{},
                                                      {"bench"},
                                                      {"bench", "list"},
                                                      {"cite"},
                                                      {"compare"},
                                                      {"completion"},
                                                      {"doctor"},
                                                      {"export"},
                                                      {"kernel"},
                                                      {"kernel", "list"},
                                                      {"kernel", "build"},
                                                      {"kernel", "size"},
                                                      {"merge"},
                                                      {"report"},
                                                      {"run"}};

std::string help_of(std::vector<std::string> verb) {
  verb.push_back("--help");
  const Ended ended = nslab(verb);
  EXPECT_EQ(ended.exit_code, 0);
  return ended.output;
}

TEST(CommandLine, ASlipIsNamedWithTheNearestVerb) {
  const auto error_of = [](const std::vector<std::string>& words) {
    const Ended ended = nslab(words);
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_EQ(ended.output, "");
    return ended.errors;
  };
  EXPECT_EQ(error_of({"frob"}), "nslab: there is no verb 'frob'; 'nslab --help' lists them\n");
  EXPECT_EQ(error_of({"reprot", "x"}),
            "nslab: there is no verb 'reprot'; did you mean 'nslab report'? 'nslab --help' lists them all\n");
  EXPECT_EQ(
      error_of({"kernel", "bild", "multi"}),
      "nslab: there is no verb 'bild'; did you mean 'nslab kernel build'? 'nslab kernel --help' lists them all\n");
  EXPECT_EQ(error_of({"--frob"}), "nslab: there is no option '--frob'; 'nslab --help' lists them\n");
  EXPECT_EQ(error_of({}), "nslab: a verb is missing; 'nslab --help' lists them\n");
  EXPECT_EQ(error_of({"kernel"}), "nslab: a verb is missing; 'nslab kernel --help' lists them\n");
  EXPECT_THAT(error_of({"report", "--frob"}), HasSubstr("--frob"));
  EXPECT_THAT(error_of({"report", "--format", "xml"}), HasSubstr("xml not in {text,markdown}"));
  EXPECT_THAT(error_of({"run", "x", "--jobs", "0"}), HasSubstr("not in range 1 to 1024"));
}

TEST(CommandLine, TheHelpHasNoTypesOfTheParser) {
  for (const auto& verb : kVerbs) {
    EXPECT_THAT(help_of(verb), AllOf(Not(HasSubstr("TEXT")), Not(HasSubstr("INT")), Not(HasSubstr("REQUIRED")),
                                     Not(HasSubstr("SUBCOMMAND")), Not(HasSubstr("Subcommand"))));
  }
  EXPECT_THAT(help_of({"report"}), AllOf(HasSubstr("--format text|markdown "), HasSubstr("printed (default: text)"),
                                         HasSubstr("--output FOLDER "), HasSubstr("--run N ")));
}

}  // namespace
}  // namespace nslab
