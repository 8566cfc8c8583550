// SPDX-License-Identifier: GPL-2.0
#include "source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "kernel_table.h"
#include "processes.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

/// A git repository with the files by which a source of Linux is known, at two revisions.
class SourceTrees : public testing::Test {
 protected:
  SourceTrees() {
    write("Makefile", "VERSION = 6\nPATCHLEVEL = 99\nSUBLEVEL = 1\n");
    write("Kbuild", "");
    write("Kconfig", "config ONE\n\tbool\n\tmenuconfig TWO\nif ONE\nconfigure nothing\n");
    write("lib/Kconfig.debug", "config DEBUG_X # why\n");
    git({"init", "-q"});
    commit("one");
    write("Kbuild", "obj-y += x.o\n");
    commit("two");
  }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((tree_ / name).parent_path());
    ASSERT_TRUE(write_file(tree_ / name, text));
  }
  void git(std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", tree_.string()});
    const auto run = run_captured({.argv = words});
    ASSERT_TRUE(run && run->status == 0) << run->output;
  }
  void commit(const std::string& subject) {
    git({"add", "-A"});
    git({"commit", "-q", "-m", subject});
  }
  Result<GivenKernel> find(const std::string& name) {
    const Profile profile{.name = "p", .description = "", .start = "tiny", .fragments = {"p.config"}};
    return find_source_tree({{}, profile, {.name = name, .description = "", .config = {}}}, root_.path(), cache_);
  }
  std::string id(const std::string& name) {
    const auto kernel = find(name);
    EXPECT_TRUE(kernel) << kernel.error().message;
    return kernel ? std::get<SourceTree>(kernel->from).id : "";
  }
  std::string named(const std::string& rest) const { return "tree:" + tree_.string() + rest; }

  TempFolder root_ = *TempFolder::make(testing::TempDir(), "trees");
  fs::path tree_ = root_.path() / "a@b";
  KernelCache cache_{root_.path() / "cache"};

  void SetUp() override {
    ASSERT_TRUE(write_file(root_.path() / "p.config", "CONFIG_ONE=y\n# CONFIG_TWO is not set\n"));
  }
};

TEST_F(SourceTrees, AreNamedByTheirContent) {
  EXPECT_EQ(id(named("@HEAD@{0}")), id(named("@HEAD")));
  EXPECT_EQ(id(named("@@")), id(named("@HEAD")));
  EXPECT_EQ(id(named("")), id(named("@HEAD"))) << "as it is, and nothing is changed";
  EXPECT_NE(id(named("@HEAD")), id(named("@HEAD~1")));
  write("Kbuild", "");
  EXPECT_EQ(id(named("")), id(named("@HEAD~1"))) << "the change taken back by hand";
  write("new.c", "");
  const std::string with_new = id(named(""));
  EXPECT_NE(with_new, id(named("@HEAD~1")));
  write(".gitignore", "*.o\n");
  const std::string with_ignore = id(named(""));
  write("x.o", "");
  EXPECT_EQ(id(named("")), with_ignore);
  const auto status = run_captured({.argv = {"git", "-C", tree_.string(), "diff", "--cached", "--name-only"}});
  EXPECT_EQ(status->output, "") << "the user's own index stays";
}

// As in Debian's source, whose .gitignore has "/*".
TEST_F(SourceTrees, KeepFilesThatAreCommittedAndIgnored) {
  write(".gitignore", "/*\n");
  git({"add", "-A", "-f"});
  git({"commit", "-q", "-m", "all of it"});
  EXPECT_EQ(id(named("")), id(named("@HEAD")));
  write("Kbuild", "obj-y += another.o\n");
  const std::string changed = id(named(""));
  EXPECT_NE(changed, id(named("@HEAD")));
  write("new.c", "");
  EXPECT_EQ(id(named("")), changed) << "ignored, and in no commit";
  std::filesystem::remove(tree_ / "lib/Kconfig.debug");
  EXPECT_NE(id(named("")), changed) << "a file less";
}

TEST_F(SourceTrees, MayBePacked) {
  const fs::path tarball = root_.path() / "packed.tar.gz";
  const auto packed = run_captured({.argv = {"tar", "-C", root_.path(), "--exclude=.git", "-czf", tarball, "a@b"}});
  ASSERT_EQ(packed->status, 0) << packed->output;
  const auto kernel = find("tree:" + tarball.string());
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(std::get<SourceTree>(kernel->from).id, id(named("@HEAD")));
  EXPECT_EQ(std::get<SourceTree>(kernel->from).version, "6.99.1");
  EXPECT_EQ(kernel->what, "packed.tar.gz as packed, profile p");
}

TEST_F(SourceTrees, StartWithDebiansConfigOfTheirVersion) {
  const auto config_of = [&](const std::vector<Base>& bases) {
    Base asked;
    asked.debian_config = "asked";
    const Profile profile{.name = "p", .description = "", .start = "tiny", .fragments = {"p.config"}};
    const auto kernel = find_source_tree({asked, profile, {.name = named("@HEAD"), .description = "", .config = {}}},
                                         root_.path(), cache_, bases);
    return kernel ? std::get<SourceTree>(kernel->from).debian_config : fs::path(kernel.error().message);
  };
  const auto base = [&](const char* name, const char* config) {
    Base made;
    made.name = name;
    made.debian_config = tree_ / config;
    return made;
  };
  EXPECT_EQ(config_of({base("linux-6.9", "Makefile"), base("linux-6.99", "Kbuild")}), tree_ / "Kbuild");
  EXPECT_EQ(config_of({base("linux-6.9", "Makefile"), base("linux-6.99", "none")}), "asked");
}

TEST_F(SourceTrees, AreCompiledByClangWhereThatIsAskedFor) {
  const auto by_gcc = find(named("@HEAD"));
  const auto by_clang = find(named("@HEAD,llvm"));
  ASSERT_TRUE(by_gcc && by_clang);
  EXPECT_TRUE(std::get<SourceTree>(by_clang->from).llvm);
  EXPECT_NE(by_gcc->hash, by_clang->hash);
  EXPECT_THAT(by_clang->what, HasSubstr("clang"));
}

TEST_F(SourceTrees, HaveAHashOfTheirSettingsToo) {
  const auto kernel = find(named("@HEAD"));
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_THAT(kernel->what, testing::MatchesRegex("a@b at [0-9a-f]{12}, profile p"));
  EXPECT_EQ(std::get<SourceTree>(kernel->from).settings, "CONFIG_ONE=y\n# CONFIG_TWO is not set\n");
  const fs::path config = root_.path() / "my.config";
  ASSERT_TRUE(write_file(config, "CONFIG_ONE=y\n"));
  const auto own = find(named("@HEAD,config=" + config.string()));
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_NE(own->hash, kernel->hash);
  EXPECT_THAT(own->what, HasSubstr("my.config"));
}

TEST_F(SourceTrees, SayWhatIsWrongWithThem) {
  EXPECT_THAT(find("tree:/nowhere@x").error().message, HasSubstr("there is no folder or tarball /nowhere"));
  EXPECT_THAT(find(named("@no-such")).error().message, HasSubstr("has no revision 'no-such'"));
  EXPECT_THAT(find(named("@--help")).error().message, HasSubstr("has no revision '--help'"));
  const fs::path plain = root_.path() / "plain";
  fs::create_directories(plain);
  EXPECT_THAT(find("tree:" + plain.string() + "@HEAD").error().message, HasSubstr("is no git repository"));
  EXPECT_THAT(find("tree:" + plain.string()).error().message, HasSubstr("is no source of Linux"));
}

TEST_F(SourceTrees, KnowTheirOptions) {
  EXPECT_THAT(options_of_source(tree_).value(), testing::ElementsAre("CONFIG_DEBUG_X", "CONFIG_ONE", "CONFIG_TWO"));
}

}  // namespace
}  // namespace nslab
