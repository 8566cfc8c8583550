// SPDX-License-Identifier: GPL-2.0
//
// What 'make install' puts under a prefix works from there, without the checkout.
#include <sys/wait.h>

#include "lab_support.h"

namespace nslab::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string output_of(const Command& command) {
  const Captured ended = must(run_captured(command));
  EXPECT_EQ(WEXITSTATUS(ended.status), 0) << ended.output;
  return ended.output;
}

class Install : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>(folder());
    const fs::path build = paths().guest.parent_path();
    // Blanks, as packagers' folders have them. What is built already is not built again (-o).
    const std::string destination = (folder_->path() / "a destination").string();
    output_of({.argv = {"make", "-o", "nslab", "-C", paths().root.string(), "install", "BUILD=" + build.string(),
                        "DESTDIR=" + destination, "PREFIX=/a prefix"}});
    prefix_ = destination + "/a prefix";
  }
  static void TearDownTestSuite() { folder_.reset(); }

  /// What the installed nslab prints, started in an empty folder.
  static std::string installed(std::vector<std::string> arguments) {
    const TempFolder work = folder();
    arguments.insert(arguments.begin(), (prefix_ / "bin/nslab").string());
    return output_of(
        {.argv = arguments, .folder = work.path(), .environment = {{"NSLAB_CACHE", (work.path() / "cache").string()}}});
  }

  static std::unique_ptr<TempFolder> folder_;
  static fs::path prefix_;
};

std::unique_ptr<TempFolder> Install::folder_;
fs::path Install::prefix_;

TEST_F(Install, TheProgramFindsTheGuestsPrograms) {
  EXPECT_THAT(installed({"bench", "list"}), HasSubstr("fork_exit_wait "));
  EXPECT_TRUE(fs::exists(prefix_ / "lib/nslab/macro/workload"));
  EXPECT_EQ(must(read_file(prefix_ / "lib/nslab/micro")), must(read_file(paths().guest / "micro")))
      << "an installed guest measures what the built one does";
}

TEST_F(Install, TheReferenceRunsAnswer) {
  EXPECT_THAT(installed({"report", (prefix_ / "share/nslab/results/reference/smoke").string()}),
              HasSubstr("nslab report: smoke"));
}

// The names that the help gives lead to the installed files.
TEST_F(Install, TheExamplesOfTheHelpWork) {
  EXPECT_THAT(installed({"report", "results/reference/smoke"}), HasSubstr("nslab report: smoke"));
  EXPECT_THAT(installed({"compare", "multi", "flat+cache", "--results", "results/reference/smoke"}),
              HasSubstr("flat+cache against the baseline multi"));
}

TEST_F(Install, EachVerbHasAManPage) {
  const fs::path pages = prefix_ / "share/man/man1";
  EXPECT_THAT(must(read_file(pages / "nslab.1")), HasSubstr("a performance lab for namespace kernels"));
  EXPECT_THAT(must(read_file(pages / "nslab-run.1")),
              AllOf(HasSubstr("configs/smoke.toml"), HasSubstr("nslab\\-run \\- execute")));
  EXPECT_THAT(must(read_file(pages / "nslab-kernel-build.1")), HasSubstr(".TH NSLAB-KERNEL-BUILD"));
  EXPECT_THAT(must(read_file(pages / "nslab-cite.1")),
              AllOf(HasSubstr("\n.nh\n.ad l\n"), HasSubstr("\n.IP\n<!\\-\\- end of table \\-\\->\n.IP\n")));
  EXPECT_THAT(must(read_file(pages / "nslab.1")),
              AllOf(HasSubstr("SEE ALSO"), HasSubstr("\\fBnslab\\-kernel\\-build\\fR(1)")));
}

TEST_F(Install, BashCompletesVerbsAndOptions) {
  const std::string script = (prefix_ / "share/bash-completion/completions/nslab").string();
  const auto completed = [&](const std::string& words) {
    return output_of({.argv = {"bash", "-c",
                               "source '" + script + "'; COMP_WORDS=(" + words +
                                   "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _nslab; echo \"${COMPREPLY[@]}\""},
                      .folder = prefix_});
  };
  EXPECT_EQ(completed("nslab re"), "report\n");
  EXPECT_EQ(completed("nslab kernel bu"), "build\n");
  EXPECT_EQ(completed("nslab run configs/smoke.toml --dry"), "--dry-run\n");
  EXPECT_EQ(completed("nslab kernel build multi --from"), "--from-scratch\n");
  EXPECT_EQ(completed("nslab report --format ''"), "text markdown\n");
  EXPECT_EQ(completed("nslab report --format = m"), "markdown\n");
  EXPECT_EQ(completed("nslab run x --accel ''"), "kvm tcg\n");
  EXPECT_EQ(completed("nslab compare flat+c"), "flat+cache flat+cache+hash flat+cache+reserve\n");
  EXPECT_EQ(completed("nslab compare multi multi-k"), "multi-known\n");
  EXPECT_EQ(completed("nslab report --reference multi-t"), "multi-twin\n");
  EXPECT_EQ(completed("nslab kernel build nons --profile di"), "distro\n");
  EXPECT_EQ(completed("nslab report sh"), "share\n");
  EXPECT_EQ(completed("nslab runn --dry"), "\n") << "a slip completes to nothing, and ends";
}

}  // namespace
}  // namespace nslab::lab
