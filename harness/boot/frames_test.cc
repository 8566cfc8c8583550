// SPDX-License-Identifier: GPL-2.0
#include "frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "frame.h"

namespace nslab {
namespace {

using nlohmann::json;

BootPlan two_cells() {
  BootPlan plan;
  plan.kernel = "multi";
  plan.seed = 7;
  for (int depth = 0; depth < 2; ++depth) {
    PlannedCell cell;
    cell.index = depth;
    cell.benchmark = "getpid";
    cell.depth = depth;
    cell.iterations = 3;
    plan.cells.push_back(cell);
  }
  return plan;
}

json ready() { return {{"type", "ready"}, {"release", "6.12.1"}, {"instructions", 5}, {"seed", 7}}; }

json cell(int depth) {
  json nspid = json::array();
  for (int level = 0; level <= depth; ++level) nspid.push_back(10 + level);
  return {{"type", "cell"},        {"index", depth},
          {"depth", depth},        {"benchmark", "getpid"},
          {"status", "ok"},        {"unit", "instructions"},
          {"iterations", 3},       {"sum", 940},
          {"sum_first_half", 310}, {"minimum", 310},
          {"median", 310},         {"p90", 320},
          {"maximum", 320},        {"involuntary_switches", 0},
          {"nspid", nspid},        {"layout", {{"ids_next", 0}, {"residents", 0}, {"container", 0}}}};
}

json end(int cells, int frames) { return {{"type", "end"}, {"cells", cells}, {"frames", frames}}; }

std::string stream(const std::vector<json>& payloads) {
  std::string bytes;
  for (const json& payload : payloads) bytes += frame::encode(payload.dump());
  return bytes;
}

std::string complete() { return stream({ready(), cell(0), cell(1), end(2, 3)}); }

std::string failure(const std::string& bytes) {
  const auto report = read_report(bytes, two_cells(), "multi");
  return report ? "complete" : report.error().message;
}

// To copy or print such a value would overflow our stack.
TEST(Frames, JsonThatIsNestedTooDeepIsRefused) {
  for (const std::string& open : {std::string("["), std::string(R"({"type":)")}) {
    std::string payload = R"({"type":"ready","release":"6.12.1","instructions":5,"seed":7,"layout":)";
    const std::size_t depth = frame::kMaxPayload / (open.size() + 1) - payload.size();
    for (std::size_t i = 0; i < depth; ++i) payload += open;
    payload += "1";
    payload += std::string(depth, open == "[" ? ']' : '}') + "}";
    EXPECT_EQ(failure(frame::encode(payload)), "frame 0 of the guest: its payload is no JSON object");
  }
}

// Stored samples have the layout's keys in this order, whichever the guest's was.
TEST(Frames, TheKeysOfALayoutAreSorted) {
  std::string first = cell(0).dump();
  const std::string sorted = R"("layout":{"container":0,)";
  ASSERT_NE(first.find(sorted), std::string::npos);
  first.replace(first.find(sorted), sorted.size(), R"("layout":{"stack":2,"mmap":1,"container":0,)");
  const auto report =
      read_report(stream({ready()}) + frame::encode(first) + stream({cell(1), end(2, 3)}), two_cells(), "multi");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->samples.at(0).layout, R"({"container":0,"ids_next":0,"mmap":1,"residents":0,"stack":2})");
}

// What the plan's condition is, what the guest found, and whether that is it.
TEST(Frames, AConditionThatWasNotBroughtAboutIsAnError) {
  struct Case {
    const char* planned;
    std::uint64_t ids_next;
    std::uint64_t residents;
    std::uint64_t container;
    bool good;
  };
  for (const Case& c :
       {Case{"quiet", 0, 0, 0, true}, Case{"quiet", 300'000, 0, 0, false}, Case{"quiet", 0, 1, 0, false},
        Case{"quiet", 0, 0, 1, false}, Case{"host", 300'017, 8, 1, true}, Case{"host", 299'999, 8, 1, false},
        Case{"host", 300'017, 7, 1, false}, Case{"host", 300'017, 8, 0, false}, Case{"aged", 0, 0, 0, false}}) {
    BootPlan plan = two_cells();
    plan.cells.pop_back();
    plan.condition = *condition_from(c.planned);
    json measured = cell(0);
    measured["layout"] = {{"ids_next", c.ids_next}, {"residents", c.residents}, {"container", c.container}};
    const auto report = read_report(stream({ready(), measured, end(1, 2)}), plan, "multi");
    EXPECT_EQ(report.has_value(), c.good) << c.planned << ' ' << c.ids_next;
    if (report) {
      EXPECT_EQ(report->samples.at(0).condition, c.planned);
    } else {
      EXPECT_THAT(report.error().message, testing::HasSubstr("its condition was not brought about"));
      EXPECT_THAT(report.error().message, testing::HasSubstr(c.planned));
    }
    measured["layout"].erase("residents");
    EXPECT_THAT(read_report(stream({ready(), measured, end(1, 2)}), plan, "multi").error().message,
                testing::HasSubstr("'residents' is missing"));
  }
}

TEST(Frames, CompleteBootIsRead) {
  const auto report = read_report(complete(), two_cells(), "multi");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->release, "6.12.1");
  ASSERT_EQ(report->samples.size(), 2U);
  EXPECT_EQ(report->samples[1].depth, 1);
  EXPECT_EQ(report->samples[1].sum, 940U);
  EXPECT_EQ(report->samples[1].seed, 7U);
}

TEST(Frames, RefusedCellHasNoFigures) {
  const json refused = {{"type", "cell"},      {"index", 1},        {"depth", 1}, {"benchmark", "getpid"},
                        {"status", "refused"}, {"errno", "EINVAL"}, {"level", 1}};
  const auto report = read_report(stream({ready(), cell(0), refused, end(2, 3)}), two_cells(), "flat");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->samples[1].status, CellStatus::refused);
  EXPECT_EQ(report->samples[1].refusal, "EINVAL");
  EXPECT_EQ(report->samples[1].iterations, 0U);
}

// The benchmark's own namespace, one below the worker's, and a refusal that does not say where.
TEST(Frames, RefusalNamesItsLevel) {
  json refused = {{"type", "cell"},      {"index", 1},        {"depth", 1}, {"benchmark", "getpid"},
                  {"status", "refused"}, {"errno", "ENOSPC"}, {"level", 2}};
  EXPECT_EQ(failure(stream({ready(), cell(0), refused, end(2, 3)})), "complete");
  refused.erase("level");
  EXPECT_THAT(failure(stream({ready(), cell(0), refused, end(2, 3)})),
              testing::HasSubstr("'level' is missing or no whole number"));
}

// A stream cut anywhere is no boot, and no byte position crashes the reader.
TEST(Frames, EveryTruncationIsAnError) {
  const std::string bytes = complete();
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_NE(failure(bytes.substr(0, size)), "complete") << size;
}

TEST(Frames, EveryFlippedBitIsAnError) {
  const std::string bytes = complete();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_NE(failure(flipped), "complete") << i;
  }
}

TEST(Frames, BadChecksumIsNamed) {
  std::string bytes = complete();
  bytes[20] ^= 1;
  EXPECT_EQ(failure(bytes), "frame 0 of the guest: bad checksum (frame at byte 0)");
}

TEST(Frames, OversizedFrameIsNamed) {
  const std::string bytes = frame::header(0x80000000U, 0) + "x";
  EXPECT_EQ(failure(bytes), "frame 0 of the guest: it claims 2147483648 bytes, the limit is 1048576");
}

TEST(Frames, MissingClosingFrameIsNamed) {
  EXPECT_EQ(failure(stream({ready(), cell(0)})), "the boot has no closing frame: 1 of 2 cells came");
  EXPECT_EQ(failure(""), "the boot has no closing frame: 0 of 2 cells came");
}

TEST(Frames, WrongCountsAreErrors) {
  EXPECT_THAT(failure(stream({ready(), cell(0), cell(1), end(3, 3)})), testing::HasSubstr("counts are wrong"));
  EXPECT_THAT(failure(stream({ready(), cell(0), cell(1), end(2, 4)})), testing::HasSubstr("counts are wrong"));
  EXPECT_THAT(failure(stream({ready(), cell(0), end(1, 2)})), testing::HasSubstr("counts are wrong"));
}

TEST(Frames, CellsComeOnceAndInOrder) {
  EXPECT_THAT(failure(stream({ready(), cell(1), cell(0), end(2, 3)})), testing::HasSubstr("expected was cell 0"));
  EXPECT_THAT(failure(stream({ready(), cell(0), cell(0), end(2, 3)})), testing::HasSubstr("expected was cell 1"));
  EXPECT_THAT(failure(stream({ready(), cell(0), cell(1), cell(1), end(2, 4)})), testing::HasSubstr("a cell too many"));
  EXPECT_THAT(failure(complete() + frame::encode("{}")), testing::HasSubstr("after the closing frame"));
}

TEST(Frames, ContradictingFiguresAreErrors) {
  const std::pair<const char*, int> lies[] = {{"minimum", 400},  {"median", 5},    {"p90", 1},
                                              {"sum", 1},        {"sum", 5000},    {"sum_first_half", 941},
                                              {"sum", 961},      {"sum", 929},     {"sum_first_half", 309},
                                              {"iterations", 0}, {"iterations", 2}};
  for (const auto& [key, value] : lies) {
    json lie = cell(0);
    lie[key] = value;
    EXPECT_NE(failure(stream({ready(), lie, cell(1), end(2, 3)})), "complete") << key << " " << value;
  }
  for (const json& value : {json(-1), json(1.5), json("310"), json()}) {
    json lie = cell(0);
    lie["minimum"] = value;
    EXPECT_THAT(failure(stream({ready(), lie, cell(1), end(2, 3)})),
                testing::HasSubstr("'minimum' is missing or no whole number"));
  }
}

TEST(Frames, WorkerAtAnotherDepthIsAnError) {
  json lie = cell(1);
  lie["nspid"] = {10};
  EXPECT_THAT(failure(stream({ready(), cell(0), lie, end(2, 3)})), testing::HasSubstr("did not run at depth 1"));
}

TEST(Frames, OtherSeedIsAnError) {
  json other = ready();
  other["seed"] = 8;
  EXPECT_THAT(failure(stream({other})), testing::HasSubstr("it has seed 8, the plan's is 7"));
}

TEST(Frames, FailedCellFailsTheBoot) {
  const json failed = {{"type", "cell"},        {"index", 0},         {"depth", 0},
                       {"benchmark", "getpid"}, {"status", "failed"}, {"message", "it was 3"}};
  EXPECT_EQ(failure(stream({ready(), failed})), "frame 1 of the guest: getpid at depth 0 failed: it was 3");
}

// A guest may write anything into its frames. None of it may control the user's terminal.
TEST(Frames, GuestsTextsArePrintable) {
  const json failed = {{"type", "cell"},        {"index", 0},         {"depth", 0},
                       {"benchmark", "getpid"}, {"status", "failed"}, {"message", "it was \033[2J3\r"}};
  EXPECT_EQ(failure(stream({ready(), failed})), "frame 1 of the guest: getpid at depth 0 failed: it was [2J3");
  const json fault = {{"type", "fault"}, {"message", "\033]0;title\a"}};
  EXPECT_EQ(failure(stream({fault})), "frame 0 of the guest: the guest's init gave up: ]0;title");

  BootPlan plan = two_cells();
  plan.command = {"/bin/true"};
  json hello = ready();
  hello["release"] = "6.12.1\033c";
  const json command = {{"type", "command"}, {"status", 0}, {"output", "ok 1\n\033[31mok 2\n"}};
  json lie = cell(0);
  lie["layout"]["stack"] = "\xc2\x9b\x7f";
  const json refused = {
      {"type", "cell"},           {"index", 1}, {"depth", 1}, {"benchmark", "getpid"}, {"status", "refused"},
      {"errno", "EINVAL\033[0m"}, {"level", 1}};
  const auto report = read_report(stream({hello, command, lie, refused, end(2, 4)}), plan, "flat");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->release, "6.12.1c");
  EXPECT_EQ(report->command_output, "ok 1\n[31mok 2\n");
  EXPECT_EQ(report->samples[0].layout, R"({"container":0,"ids_next":0,"residents":0,"stack":"\u009b\u007f"})");
  EXPECT_EQ(report->samples[1].refusal, "EINVAL[0m");
}

}  // namespace
}  // namespace nslab
