// SPDX-License-Identifier: GPL-2.0
#include "benchmarks.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(BenchmarksTest, CurvesComeBackFromTheManifest) {
  Benchmark getpid;
  getpid.name = "getpid";
  Benchmark fork;
  fork.name = "fork_processes_1000";
  fork.point = CurvePoint{"fork", "processes", 1000};
  nlohmann::ordered_json manifest;
  manifest["curves"] = curves_of({fork, getpid});
  EXPECT_EQ(manifest.dump(),
            R"({"curves":{"fork_processes_1000":{"series":"fork","quantity":"processes","value":1000}}})");
  const std::map<std::string, CurvePoint> expected = {{"fork_processes_1000", {"fork", "processes", 1000}}};
  EXPECT_EQ(curves_in(manifest.dump()), expected);
}

TEST(BenchmarksTest, AManifestMayHaveNoCurves) {
  EXPECT_TRUE(curves_in("{}").empty());
  EXPECT_TRUE(curves_in("").empty());
}

}  // namespace
}  // namespace nslab
