// SPDX-License-Identifier: GPL-2.0
#include "resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Container : public testing::Test {
 protected:
  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((root() / file).parent_path());
    ASSERT_TRUE(write_file(root() / file, text));
  }
  /// As Docker, Podman and Kubernetes have it: the group is the root of what it sees.
  void version_2() {
    write("proc/self/cgroup", "0::/\n");
    write("proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n");
  }
  const fs::path& root() const { return root_.path(); }
  Resources resources() const { return usable_resources(root()); }

  const TempFolder root_ = *TempFolder::make(testing::TempDir(), "resources");
  const Resources machine_ = usable_resources(root());  // there is no control group yet
};

TEST_F(Container, WithoutLimitsHasTheWholeMachine) {
  EXPECT_GT(machine_.memory_mib, 0U);
  EXPECT_GE(machine_.cores, 1U);
  version_2();
  write("sys/fs/cgroup/memory.max", "max\n");
  write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(resources().memory_mib, machine_.memory_mib);
  EXPECT_EQ(resources().cores, machine_.cores);
}

TEST_F(Container, OfVersion2IsLimited) {
  version_2();
  write("sys/fs/cgroup/memory.max", "268435456\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(resources().memory_mib, 256U);
  EXPECT_EQ(resources().cores, 1U) << "half a core";
}

TEST_F(Container, IsLimitedByTheGroupsAboveItsOwn) {
  write("proc/self/cgroup", "0::/user.slice/job\n");
  write("proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  write("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
  write("sys/fs/cgroup/user.slice/memory.max", "104857600\n");
  EXPECT_EQ(resources().memory_mib, 100U);
}

TEST_F(Container, OfVersion1IsLimited) {
  write("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n0::/\n");
  write("proc/self/mountinfo",
        "31 24 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
        "32 24 0:28 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "100000\n");
  write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(resources().memory_mib, 512U);
  EXPECT_EQ(resources().cores, 1U);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(resources().memory_mib, machine_.memory_mib);
  EXPECT_EQ(resources().cores, machine_.cores);
}

TEST_F(Container, WhoseOomKillerStruckSaysSo) {
  version_2();
  write("sys/fs/cgroup/memory.max", "268435456\n");
  write("sys/fs/cgroup/memory.events", "low 0\noom 7\noom_kill 2\noom_group_kill 0\n");
  write("proc/vmstat", "pgfault 9\noom_kill 5\n");
  const OomWatch watch(root());
  EXPECT_FALSE(watch.evidence());
  write("proc/vmstat", "pgfault 9\noom_kill 6\n");
  ASSERT_TRUE(watch.evidence());
  EXPECT_THAT(*watch.evidence(), HasSubstr("has killed 1 of this machine's processes"));
  write("sys/fs/cgroup/memory.events", "low 0\noom 9\noom_kill 4\noom_group_kill 0\n");
  EXPECT_THAT(*watch.evidence(), HasSubstr("has killed 2 of this container's processes meanwhile; 256 MiB"));
}

TEST_F(Container, OfVersion1CountsItsKillsAsWell) {
  write("proc/self/cgroup", "4:memory:/\n");
  write("proc/self/mountinfo", "31 24 0:27 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  write("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
  const OomWatch watch(root());
  write("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  EXPECT_THAT(watch.evidence().value_or(""), HasSubstr("this container's processes"));
}

}  // namespace
}  // namespace nslab
