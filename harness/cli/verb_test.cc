// SPDX-License-Identifier: GPL-2.0
#include "verb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "test_command_line.h"
#include "text.h"

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

TEST(CommandLine, EachErrorBeginsWithTheProgramsName) {
  const std::vector<std::vector<std::string>> mistakes = {
      {}, {"frob"}, {"--frob"}, {"run"}, {"report", "--format", "xml"}, {"report", "--frob"}, {"run", "x"}};
  for (const auto& words : mistakes) EXPECT_THAT(nslab(words).errors, testing::StartsWith("nslab: "));
}

// Otherwise the man pages, which help2man makes of the help, run them together with the line above.
TEST(CommandLine, EachExampleIsExplained) {
  for (const auto& verb : kVerbs) {
    for (const std::string& line : lines_of(help_of(verb))) {
      if (!line.starts_with("  nslab ") && !line.starts_with("  source ")) continue;
      EXPECT_NE(line.find("  ", 2), std::string::npos) << line;
    }
  }
}

TEST(CommandLine, TheHelpHasNoTypesOfTheParser) {
  for (const auto& verb : kVerbs) {
    EXPECT_THAT(help_of(verb),
                AllOf(Not(HasSubstr("TEXT")), Not(HasSubstr("INT")), Not(HasSubstr("REQUIRED")),
                      Not(HasSubstr("SUBCOMMAND")), Not(HasSubstr("Positionals")), Not(HasSubstr("Subcommand"))));
  }
  EXPECT_THAT(help_of({"report"}), AllOf(HasSubstr("--format text|markdown "), HasSubstr("printed (default: text)"),
                                         HasSubstr("--output FOLDER "), HasSubstr("--run N ")));
}

TEST(CommandLine, AbSaysWhatIsMissing) {
  const auto error_of = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"ab", "/nowhere"});
    const Ended ended = nslab(words);
    EXPECT_EQ(ended.exit_code, 2);
    return ended.errors;
  };
  EXPECT_THAT(error_of({"a"}), HasSubstr("name two revisions, A and B, or one range, A..B"));
  EXPECT_THAT(error_of({"a..b", "c"}), HasSubstr("name two revisions, A and B, or one range, A..B"));
  EXPECT_THAT(error_of({"a", "b"}), HasSubstr("there is no folder /nowhere"));
  EXPECT_THAT(error_of({"a..b"}), HasSubstr("there is no folder /nowhere"));
  for (const auto& [limit, why] : {std::pair("getpid", "there is no '>'"),
                                   {"getpid>x", "there is no number"},
                                   {"getpid>-1", "the number is not 0 or more"},
                                   {"getpid>inf", "the number is not 0 or more"},
                                   {"kill>1", "is not measured"}}) {
    EXPECT_THAT(error_of({"a", "b", "--fail-if", limit}), HasSubstr(why)) << limit;
  }
}

// What only the table of kernels knows is told with the experiment's file and line, as all else that is wrong in it.
TEST(CommandLine, AKernelThatIsNotThereIsToldWithFileAndLine) {
  const auto folder = TempFolder::make(testing::TempDir(), "experiment");
  ASSERT_TRUE(folder) << folder.error().message;
  const std::string cache = (folder->path() / "cache").string();
  const WithEnvironment variables{{"NSLAB_CACHE", cache}};
  const std::string file = (folder->path() / "x.toml").string();
  const auto error_of = [&](const std::string& keys, const std::string& kernel) {
    EXPECT_TRUE(write_file(file, "name = \"x\"\n" + keys +
                                     "\n[[measure]]\nkernels = [\"multi\"]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n"
                                     "\n[[measure]]\nkernels = [\"" +
                                     kernel + "\"]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n"));
    const Ended ended = nslab({"run", file, "--dry-run"});
    EXPECT_EQ(ended.exit_code, 2);
    return ended.errors;
  };
  const std::string at = "nslab: " + file;
  EXPECT_THAT(error_of("base = \"linux-9\"\n", "flat"),
              HasSubstr(at + ":2: there is no base 'linux-9'; did you mean 'linux-6.1'? There are: "));
  EXPECT_THAT(error_of("profile = \"big\"\n", "flat"), HasSubstr(at + ":2: there is no profile 'big'; there are: "));
  EXPECT_THAT(error_of("profile = \"mini\"\n", "flat"), HasSubstr(at + ":2: profile 'mini' is not for measurement"));
  EXPECT_THAT(error_of("", "flatt"), HasSubstr(at + ":8: there is no model 'flatt'; did you mean 'flat'? There are: "));
}

}  // namespace
}  // namespace nslab
