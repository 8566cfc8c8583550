// SPDX-License-Identifier: GPL-2.0
#include "archives.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "files.h"

namespace nslab {
namespace {

TEST(Archives, EqualEntriesGiveEqualBytes) {
  const std::vector<ArchiveEntry> entries = {
      {"bin", S_IFDIR | 0755, ""}, {"bin/a", S_IFREG | 0755, "content"}, {"b", S_IFLNK | 0777, "bin/a"}};
  const auto once = make_cpio(entries);
  const auto twice = make_cpio(entries);
  ASSERT_TRUE(once);
  EXPECT_EQ(*once, *twice);
  EXPECT_EQ(once->substr(0, 6), "070701");  // newc
  EXPECT_NE(once->find("TRAILER!!!"), std::string::npos);
}

TEST(Archives, CpioAsToolsReadIt) {
  const auto folder = TempFolder::make(testing::TempDir(), "cpio");
  const auto cpio = make_cpio({{"bin", S_IFDIR | 0755, ""}, {"bin/a", S_IFREG | 0755, "content"}});
  ASSERT_TRUE(write_file(folder->path() / "a.cpio", *cpio));
  const auto content = read_compressed(folder->path() / "a.cpio");
  ASSERT_TRUE(content);
  EXPECT_EQ(*content, *cpio);
}

TEST(Archives, BrokenArchiveIsAnErrorThatNamesIt) {
  const auto folder = TempFolder::make(testing::TempDir(), "tar");
  ASSERT_TRUE(write_file(folder->path() / "x.tar.xz", "\xfd\x37\x7a\x58\x5a\x00 not really"));
  const auto unpacked = unpack_archive(folder->path() / "x.tar.xz", folder->path());
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().exit, Exit::user);
  EXPECT_NE(unpacked.error().message.find("x.tar.xz"), std::string::npos);
}

TEST(Archives, TreeHashSeesNamesAndContents) {
  const auto folder = TempFolder::make(testing::TempDir(), "tree");
  ASSERT_TRUE(write_file(folder->path() / "a", "1"));
  const auto first = hash_tree(folder->path());
  ASSERT_TRUE(write_file(folder->path() / "a", "2"));
  const auto second = hash_tree(folder->path());
  std::filesystem::rename(folder->path() / "a", folder->path() / "b");
  const auto third = hash_tree(folder->path());
  EXPECT_NE(*first, *second);
  EXPECT_NE(*second, *third);
}

}  // namespace
}  // namespace nslab
