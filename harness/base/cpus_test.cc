// SPDX-License-Identifier: GPL-2.0
#include "cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "scratch_folder.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;

/// Two nodes of two cores with two CPUs each, numbered as Intel's servers have it: the second half are the siblings.
std::vector<Cpu> server() {
  std::vector<Cpu> cpus;
  for (int number = 0; number < 8; ++number) cpus.push_back({number, {(number + 4) % 8}, number % 4 / 2});
  return cpus;
}

TEST(Cpus, ListsAreReadAndWritten) {
  EXPECT_THAT(*parse_cpu_list("0-2,5,7-8"), ElementsAre(0, 1, 2, 5, 7, 8));
  EXPECT_THAT(*parse_cpu_list("5,1"), ElementsAre(1, 5));
  EXPECT_EQ(cpu_list_text({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(cpu_list_text({}), "");
  for (const char* wrong : {"", "a", "3-1", "-1", "1,", "1-", "4096", "1-99999999999", "1 2"})
    EXPECT_FALSE(parse_cpu_list(wrong).has_value()) << wrong;
}

TEST(Cpus, AreThoseOfTheProcessWithTheirCores) {
  const auto root = ScratchFolder::make(fs::temp_directory_path(), "cpus").value();
  const auto file = [&](const std::string& name, const std::string& text) {
    ASSERT_TRUE(make_folders((root.path() / name).parent_path()).has_value());
    ASSERT_TRUE(write_file(root.path() / name, text).has_value());
  };
  file("proc/self/status", "Name:\tx\nCpus_allowed_list:\t1-3\n");
  for (int number = 0; number < 4; ++number) {
    file("sys/devices/system/cpu/cpu" + std::to_string(number) + "/topology/thread_siblings_list",
         number < 2 ? "0-1\n" : "2-3\n");
  }
  file("sys/devices/system/node/node0/cpulist", "0-1\n");
  file("sys/devices/system/node/node1/cpulist", "2-3\n");
  EXPECT_THAT(usable_cpus(root.path()), ElementsAre(Cpu{1, {0}, 0}, Cpu{2, {3}, 1}, Cpu{3, {2}, 1}));
  EXPECT_FALSE(usable_cpus().empty()) << "of this machine";
}

TEST(Cpus, EachVcpuHasACoreOfItsOwnOnOneNode) {
  EXPECT_THAT(*cpu_places(server(), 1, 1), ElementsAre(CpuPlace{{2}, {0, 4}, {6}, 1}));
  EXPECT_THAT(*cpu_places(server(), 2, 1), ElementsAre(CpuPlace{{2}, {0, 4}, {6}, 1}, CpuPlace{{3}, {0, 4}, {7}, 1}));
  EXPECT_THAT(*cpu_places(server(), 1, 2), ElementsAre(CpuPlace{{2, 3}, {0, 4}, {6, 7}, 1}));
}

TEST(Cpus, FewerCoresAreSharedAsFarAsOneGuestGoes) {
  EXPECT_THAT(*cpu_places(server(), 1, 3), ElementsAre(CpuPlace{{5, 6, 7}, {0, 1, 2, 3, 4}, {1, 2, 3}}));
  const std::vector<Cpu> one_core = {{0, {1}, 0}, {1, {0}, 0}};
  EXPECT_THAT(*cpu_places(one_core, 1, 1), ElementsAre(CpuPlace{{1}, {0}, {0}}));
  EXPECT_THAT(*cpu_places(one_core, 1, 2), ElementsAre(CpuPlace{{0, 1}, {0, 1}, {}}));
  EXPECT_THAT(*cpu_places({{3, {}, 0}}, 1, 1), ElementsAre(CpuPlace{{3}, {3}, {}}));
  EXPECT_THAT(cpu_places(one_core, 1, 3).error().message, HasSubstr("3 vCPUs need as many CPUs"));
  EXPECT_THAT(cpu_places(one_core, 2, 1).error().message, HasSubstr("--jobs 1"));
  EXPECT_THAT(cpu_places(server(), 3, 1).error().message, HasSubstr("may use 2 cores"));
}

TEST(Cpus, APlaceIsTakenOnce) {
  FreePlaces places({{{1}, {0}, {}}, {{2}, {0}, {}}});
  const CpuPlace first = places.take();
  const CpuPlace second = places.take();
  EXPECT_NE(first.vcpus, second.vcpus);
  places.give_back(first);
  EXPECT_EQ(places.take(), first);
}

}  // namespace
}  // namespace nslab
