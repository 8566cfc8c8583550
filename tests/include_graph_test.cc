// SPDX-License-Identifier: GPL-2.0
//
// Data flows one way through harness/: a folder includes only those that stand below it.
#include "include_graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

// The flow. harness/CMakeLists.txt gives each folder the include paths for it; here it stands a second time, so that
// nobody turns it round there in passing.
const IncludeFlow kFlow = {
    {"base", {}},
    {"stats", {"base"}},
    {"kernels", {"base"}},
    {"plan", {"base"}},
    {"plugin", {}},
    {"attribution", {"base", "plugin"}},
    {"boot", {"base", "plan", "attribution"}},
    {"report", {"base", "plan", "stats", "attribution"}},
    {"run", {"base", "stats", "kernels", "plan", "attribution", "boot"}},
    {"cli", {"base", "stats", "kernels", "plan", "attribution", "boot", "report", "run"}},
};

TEST(IncludeGraphTest, HarnessKeepsTheFlow) {
  const auto graph = read_include_graph(NSLAB_HARNESS, kFlow);
  ASSERT_TRUE(graph) << graph.error().message;
  fmt::print("Includes in harness/, folder by folder:\n{}", graph->text());
  EXPECT_THAT(graph->mistakes, IsEmpty());
  // It did read: these hold whatever the lab becomes.
  EXPECT_GT(graph->arrows.at({"plan", "base"}), 0);
  EXPECT_GT(graph->arrows.at({"cli", "run"}), 0);
}

/// A made-up tree with the mistakes that the test shall find.
class IncludeGraphOfAMadeUpTree : public testing::Test {
 protected:
  void write(const std::string& file, const std::string& content) const {
    ASSERT_TRUE(make_folders((root() / file).parent_path()));
    ASSERT_TRUE(write_file(root() / file, content));
  }
  fs::path root() const { return folder_->path(); }
  IncludeGraph read() const { return *read_include_graph(root(), {{"low", {}}, {"high", {"low"}}}); }

 private:
  const Result<TempFolder> folder_ = TempFolder::make(testing::TempDir(), "include-graph");
};

TEST_F(IncludeGraphOfAMadeUpTree, ArrowsAreCounted) {
  write("low/a.h", "#pragma once\n#include <string>\n#include <sys/a.h>\n");
  write("low/a.cc", "#include \"a.h\"\n// #include \"b.h\"\n");
  write("high/b.h", "#include \"a.h\"\n");
  write("high/b.cc", "#include \"b.h\"\n  # include <a.h>  // why not\n");
  write("high/README.md", "#include \"nowhere.h\"\n");
  EXPECT_THAT(read().mistakes, IsEmpty());
  EXPECT_EQ(read().text(), "high -> low 2\n");
}

TEST_F(IncludeGraphOfAMadeUpTree, AnArrowAgainstTheFlowIsAMistake) {
  write("low/a.cc", "#include <string>\n\n#include \"b.h\"\n");
  write("high/b.h", "");
  EXPECT_THAT(read().mistakes, ElementsAre("low/a.cc:3: low may not include high, which has b.h"));
  EXPECT_EQ(read().text(), "low -> high 1\n");
}

TEST_F(IncludeGraphOfAMadeUpTree, AnIncludeByPathIsAMistakeAndAnArrow) {
  write("low/a.h", "#include \"../high/b.h\"\n");
  write("high/b.h", "#include \"low/a.h\"\n#include \"../../outside/frame.h\"\n");
  EXPECT_THAT(read().mistakes,
              ElementsAre("high/b.h:1: 'low/a.h' is a path; a header is included by its name",
                          "high/b.h:2: '../../outside/frame.h' is a path; a header is included by its name",
                          "low/a.h:1: '../high/b.h' is a path; a header is included by its name",
                          "low/a.h:1: low may not include high, which has ../high/b.h"));
  EXPECT_EQ(read().text(), "high -> low 1\nlow -> high 1\n");
}

TEST_F(IncludeGraphOfAMadeUpTree, TwoHeadersOfOneNameAreAMistake) {
  write("low/a.h", "");
  write("high/a.h", "");
  EXPECT_THAT(read().mistakes, ElementsAre("a.h is in high and in low"));
}

TEST_F(IncludeGraphOfAMadeUpTree, AFolderThatTheFlowDoesNotKnowIsAMistake) {
  write("new/c.cc", "");
  EXPECT_THAT(read().mistakes, ElementsAre("the flow has no folder 'new'"));
}

}  // namespace
}  // namespace nslab
