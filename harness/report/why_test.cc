// SPDX-License-Identifier: GPL-2.0
#include "why.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::Not;

// worker > fork > alloc_pid > kmem_cache_alloc, and rcu_core > kmem_cache_free beside it.
const std::vector<FunctionName> kFunctions = {
    {"", "[all]"},    {"micro", "worker"},     {"", "fork"},  {"", "alloc_pid"}, {"", "kmem_cache_alloc"},
    {"", "rcu_core"}, {"", "kmem_cache_free"}, {"", "memset"}};

CallTree tree(std::uint64_t alloc_pid, std::uint64_t slab, std::uint64_t rcu) {
  return {kFunctions,
          {{0, 0, 0, 0},
           {0, 1, 100, 10},
           {1, 2, 1000, 10},
           {2, 3, alloc_pid, 10},
           {3, 4, slab, 10},
           {3, 7, 20, 10},
           {0, 5, 50, 1},
           {6, 6, rcu, 1}}};
}

WhyQuestion question() {
  WhyQuestion q{.benchmark = "fork_exit_wait", .profile = "lean", .first_seed = 1, .iterations = 10, .a = {}, .b = {}};
  q.a = {"multi", 1, {tree(200, 40, 30), tree(200, 60, 30), tree(200, 50, 30)}};
  q.b = {"flat", 1, {tree(300, 50, 30), tree(300, 40, 20), tree(300, 60, 40)}};
  q.changes = {{"alloc_pid", CodeChange::changed}, {"fork", CodeChange::constants}};
  return q;
}

double sum_of(const std::vector<WhyRow>& rows) {
  double sum = 0;
  for (const WhyRow& row : rows) sum += row.instructions.difference();
  return sum;
}

TEST(Why, ChangedAndInducedAddUpToTheWhole) {
  const Why why = explain(question());
  EXPECT_DOUBLE_EQ(why.whole.a, (100 + 1000 + 200 + 50 + 20 + 50 + 30) / 10.0);
  EXPECT_DOUBLE_EQ(why.whole.difference(), 10);
  EXPECT_DOUBLE_EQ(why.changed_sum.difference(), 10);
  EXPECT_TRUE(why.changed_sum.estimate.exact);
  EXPECT_NEAR(sum_of(why.changed) + sum_of(why.induced), why.whole.difference(), 1e-9);
  EXPECT_NEAR(sum_of(why.causes), sum_of(why.induced), 1e-9);
  EXPECT_DOUBLE_EQ(why.tree[0].all_b - why.tree[0].all_a, why.whole.difference());
}

TEST(Why, OnlyOtherInstructionsAreChangedCode) {
  const Why why = explain(question());
  ASSERT_EQ(why.changed.size(), 1U);
  EXPECT_EQ(why.changed[0].function, "alloc_pid");
  EXPECT_DOUBLE_EQ(why.changed[0].instructions.a, 20);
  EXPECT_DOUBLE_EQ(why.changed[0].instructions.b, 30);
  EXPECT_DOUBLE_EQ(why.changed[0].calls_a, 1);
}

TEST(Why, InducedWorkHasACause) {
  const Why why = explain(question());
  const auto cause_of = [&](const std::string& function) {
    for (const WhyRow& row : why.induced) {
      if (row.function == function) return row.cause;
    }
    return std::string("there is none");
  };
  EXPECT_EQ(cause_of("kmem_cache_alloc"), "called by changed code");  // by alloc_pid itself
  EXPECT_EQ(cause_of("kmem_cache_free"), "RCU");                      // it frees what waited for a grace period
  EXPECT_EQ(cause_of("memset"), "called by changed code");
  EXPECT_EQ(cause_of("fork"), "elsewhere");
  EXPECT_EQ(cause_of("micro:worker"), "programs");
}

// What an id tree's nodes cost is its own, up to their freeing.
TEST(Why, AnIdTreeTakesWhatItAllocates) {
  const std::vector<FunctionName> functions = {{"", "[all]"},
                                               {"", "idr_alloc_u32"},
                                               {"", "kmem_cache_alloc"},
                                               {"", "rcu_do_batch"},
                                               {"", "radix_tree_node_rcu_free"}};
  const CallTree tree{functions, {{0, 0, 0, 0}, {0, 1, 10, 1}, {1, 2, 20, 1}, {0, 3, 5, 1}, {3, 4, 7, 1}}};
  WhyQuestion q{.benchmark = "fork_exit_wait", .profile = "lean", .iterations = 1, .a = {}, .b = {}};
  q.a = {"multi", 0, {tree, tree}};
  q.b = {"multi", 1, {tree, tree}};
  std::map<std::string, double> causes;
  for (const WhyRow& cause : explain(q).causes) causes[cause.cause] = cause.instructions.a;
  EXPECT_DOUBLE_EQ(causes["id trees (IDR)"], 30);
  EXPECT_DOUBLE_EQ(causes["RCU"], 12);
}

TEST(Why, SaysItInASentenceWithIntervals) {
  const std::string text = render_text(why_document(question(), explain(question()), WhyBy::function), 0);
  EXPECT_THAT(text, HasSubstr("Per fork_exit_wait, flat at depth 1 executes 10.0 ±"));
  EXPECT_THAT(text, HasSubstr("In functions whose code differs between the two kernels it executes 10.0 (exactly) "
                              "instructions more than the other kernel."));
  EXPECT_THAT(text, HasSubstr("3 boots of each side, seeds 1 to 3, 10 repetitions a boot"));
}

TEST(Why, SaysWhetherChanceIsRuledOut) {
  WhyQuestion q = question();
  const auto text_of = [](const WhyQuestion& asked) {
    return render_text(why_document(asked, explain(asked), WhyBy::function), 0);
  };
  EXPECT_THAT(text_of(q),
              AllOf(HasSubstr("is decided: its 95 % interval leaves out 0."),
                    HasSubstr("what 'nslab why multi multi-twin fork_exit_wait --depth 1 --condition quiet' shows")));
  q.a.trees[0] = tree(200, 900, 30);
  EXPECT_THAT(text_of(q), AllOf(HasSubstr("is not decided: its 95 % interval includes 0."), Not(HasSubstr("twin"))));
  q.a.trees = q.b.trees;
  EXPECT_THAT(text_of(q), Not(HasSubstr("decided")));
}

// What a table leaves out may be more than each that it shows.
TEST(Why, TheOtherFunctionsOfATableHaveAnInterval) {
  WhyQuestion q = question();
  for (WhySide* side : {&q.a, &q.b}) {
    for (CallTree& tree : side->trees) {
      for (std::uint32_t i = 0; i < 10; ++i) {
        tree.functions.push_back({"", fmt::format("function_{}", i)});
        const std::uint64_t count = side == &q.a ? 10 : 30 + (i == 9 ? tree.nodes[3].instructions % 7 : 0);
        tree.nodes.push_back({2, static_cast<std::uint32_t>(tree.functions.size() - 1), count, 1});
      }
    }
  }
  const std::string text = render_text(why_document(q, explain(q), WhyBy::function), 0);
  EXPECT_THAT(text, testing::ContainsRegex("2 more functions +2.0 +6.0 +[+]4.0 +exact"));
}

TEST(Why, SaysWhatHasNoPlaceInTheTree) {
  WhyQuestion q = question();
  for (CallTree& tree : q.b.trees) {
    const auto first = static_cast<std::uint32_t>(tree.functions.size());
    tree.functions.insert(tree.functions.end(), {{"", "[unplaced]"}, {"", "[other code]"}, {"", "[earlier task]"}});
    const auto unplaced = static_cast<std::uint32_t>(tree.nodes.size());
    tree.nodes.push_back({0, first, 0, 0});
    tree.nodes.push_back({unplaced, 2, 30, 0});
    tree.nodes.push_back({0, first + 1, 10, 0});
    tree.nodes.push_back({0, first + 2, 0, 0});
    tree.nodes.push_back({unplaced + 3, 5, 20, 0});
  }
  const Why why = explain(q);
  EXPECT_THAT(why.unplaced, testing::ElementsAre(0, 4));
  EXPECT_THAT(why.earlier_tasks, testing::ElementsAre(0, 2));
  EXPECT_THAT(render_text(why_document(q, why, WhyBy::function), 0),
              HasSubstr("Not placed on a path of calls: 0.000 % of A's instructions and 2.484 % of B's."));
  EXPECT_EQ(why_json(q, why).at("unplaced").at("b"), 4.0);
}

TEST(Why, KernelsOfTheSameCodeHaveNoChangedFunctions) {
  WhyQuestion q = question();
  q.changes.clear();
  const std::string text = render_text(why_document(q, explain(q), WhyBy::function), 0);
  EXPECT_THAT(text, HasSubstr("No function that it executes has other code than in the other kernel."));
  EXPECT_THAT(text, HasSubstr("As both have the same code, that is what other addresses make."));
  EXPECT_THAT(text, Not(HasSubstr("Changed code")));
}

TEST(Why, OfOneKernelAtTwoDepthsNothingIsChanged) {
  WhyQuestion q = question();
  q.b.kernel = "multi";
  q.b.depth = 16;
  q.changes.clear();
  const Why why = explain(q);
  EXPECT_TRUE(why.changed.empty());
  EXPECT_DOUBLE_EQ(why.changed_sum.difference(), 0);
  const std::string text = render_text(why_document(q, why, WhyBy::function), 0);
  EXPECT_THAT(text, HasSubstr("It is one kernel"));
  EXPECT_THAT(text, Not(HasSubstr("changed code  ")));
}

TEST(Why, PathsShowWhereTheDifferenceIs) {
  const std::string text = render_text(why_document(question(), explain(question()), WhyBy::path), 0);
  EXPECT_THAT(text, HasSubstr("\n      alloc_pid "));
  EXPECT_THAT(text, Not(HasSubstr("memset")));  // it does not differ
}

TEST(Why, JsonHasTheSameFigures) {
  const Json json = why_json(question(), explain(question()));
  EXPECT_EQ(json.at("all").at("difference"), 10.0);
  EXPECT_EQ(json.at("changed").at("exact"), true);
  double sum = 0;
  for (const Json& function : json.at("functions")) sum += function.at("difference").get<double>();
  EXPECT_NEAR(sum, 10, 1e-9);
}

TEST(Why, FoldedStacksHaveAllInstructions) {
  const std::string text = folded_stacks(question().a);
  EXPECT_THAT(text, HasSubstr("micro:worker;fork;alloc_pid 600\n"));
  EXPECT_THAT(text, HasSubstr("rcu_core;kmem_cache_free 90\n"));
}

TEST(Why, CallgrindHasSelfAndInclusiveCosts) {
  const std::string text = callgrind_profile(question().a, "fork_exit_wait");
  EXPECT_THAT(text, HasSubstr("summary: 4350\n"));
  EXPECT_THAT(text, HasSubstr("fn=alloc_pid\n0 600\n"));
  EXPECT_THAT(text, HasSubstr("cfn=alloc_pid\ncalls=30 0\n0 810\n"));
}

TEST(Why, TheFlameGraphShowsWhatIsMoreInRed) {
  WhyQuestion q = question();
  q.b.kernel = "<flat>";
  const std::string svg = flame_graph(q, explain(q));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("&lt;flat&gt;"));
  EXPECT_THAT(svg, HasSubstr("<title>alloc_pid: A 27.0, B 37.0, B − A +10.0</title>"));
  EXPECT_THAT(svg, HasSubstr("rgb(255,"));
}

}  // namespace
}  // namespace nslab
