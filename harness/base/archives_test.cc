// SPDX-License-Identifier: GPL-2.0
#include "archives.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

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

namespace fs = std::filesystem;

struct Entry {
  const char* name;
  unsigned type = AE_IFREG;
  const char* link = nullptr;      ///< a symbolic link's target
  const char* hardlink = nullptr;  ///< a hard link's
  std::int64_t size = 2;           ///< as the header says it
  unsigned permissions = 0644;
};

/// A tarball as somebody may send it, unpacked in a folder of its own.
class Tarball : public testing::Test {
 protected:
  Tarball() { fs::create_directory(tree()); }
  fs::path tree() const { return root_.path() / "tree"; }
  Result<void> unpack(const std::vector<Entry>& entries) {
    const fs::path file = root_.path() / "x.tar";
#ifdef __SANITIZE_ADDRESS__
    const __lsan::ScopedDisabler ignored;  // archive_write_fail() leaks in libarchive itself
#endif
    archive* writer = archive_write_new();
    archive_write_set_format_pax_restricted(writer);
    archive_write_set_bytes_per_block(writer, 0);  // what is written is in the file at once
    EXPECT_EQ(archive_write_open_filename(writer, file.c_str()), ARCHIVE_OK);
    for (const Entry& item : entries) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, item.name);
      archive_entry_set_filetype(entry, item.type);
      archive_entry_set_perm(entry, item.permissions);
      const bool has_data = item.type == AE_IFREG && item.hardlink == nullptr;
      archive_entry_set_size(entry, has_data ? item.size : 0);
      if (item.link != nullptr) archive_entry_set_symlink(entry, item.link);
      if (item.hardlink != nullptr) archive_entry_set_hardlink(entry, item.hardlink);
      EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
      if (has_data) archive_write_data(writer, "hi", 2);
      archive_entry_free(entry);
      // Whoever believes the header waits for the rest; libarchive must not write all of it.
      if (item.size > 2) archive_write_fail(writer);
    }
    archive_write_free(writer);
    return unpack_archive(file, tree());
  }
  /// The message; it must be the user's mistake, and nothing may lie outside of the tree.
  std::string refusal(const std::vector<Entry>& entries) {
    const auto unpacked = unpack(entries);
    EXPECT_EQ(entries_of(root_.path())->size(), 2U) << "the tarball and the tree";
    EXPECT_FALSE(is_there("/nslab-escaped"));
    if (unpacked) return "unpacked";
    EXPECT_EQ(unpacked.error().exit, Exit::user);
    return unpacked.error().message;
  }

  const TempFolder root_ = *TempFolder::make(testing::TempDir(), "tarball");
};

TEST_F(Tarball, IsUnpackedWithoutItsFirstComponent) {
  const auto unpacked = unpack({{.name = "linux/", .type = AE_IFDIR, .permissions = 0755},
                                {.name = "linux/kernel/pid.c", .permissions = 04755},
                                {.name = "linux/arch/a/b", .type = AE_IFLNK, .link = "../../kernel/pid.c"},
                                {.name = "linux/hard", .hardlink = "linux/kernel/pid.c"},
                                {.name = "./linux/dot"},
                                {.name = "beside"}});
  ASSERT_TRUE(unpacked) << unpacked.error().message;
  EXPECT_EQ(*read_file(tree() / "arch/a/b"), "hi");
  EXPECT_EQ(fs::hard_link_count(tree() / "hard"), 2U);
  EXPECT_TRUE(fs::exists(tree() / "dot"));
  EXPECT_FALSE(fs::exists(tree() / "beside"));
  EXPECT_EQ(fs::status(tree() / "kernel/pid.c").permissions(), fs::perms(0755)) << "no set-user-id";
}

// A cache in a home that is a link to another disk.
TEST_F(Tarball, IsUnpackedBehindALink) {
  fs::create_directory(root_.path() / "disk");
  fs::remove(tree());
  fs::create_directory_symlink("disk", tree());
  const auto unpacked = unpack({{.name = "linux/a"}});
  ASSERT_TRUE(unpacked) << unpacked.error().message;
  EXPECT_TRUE(fs::exists(root_.path() / "disk/a"));
}

TEST_F(Tarball, NamesThatLeadOutAreRefused) {
  using testing::HasSubstr;
  for (const char* name : {"linux/../../escaped", "linux/a/../../../escaped", "../escaped", "..", "/nslab-escaped",
                           "//nslab-escaped", "linux/.."})
    EXPECT_THAT(refusal({{.name = name}}), HasSubstr("its name leads out of the tree")) << name;
  EXPECT_THAT(refusal({{.name = "../escaped"}}), HasSubstr("../escaped of "));
  EXPECT_EQ(refusal({{.name = "linux//nslab-escaped"}}), "unpacked");
  EXPECT_TRUE(fs::exists(tree() / "nslab-escaped")) << "a double slash is one";
}

TEST_F(Tarball, LinksThatLeadOutAreRefused) {
  using testing::HasSubstr;
  for (const char* target : {"/etc/passwd", "../escaped", "a/../../escaped", "a/..", "./../escaped"}) {
    EXPECT_THAT(refusal({{.name = "linux/link", .type = AE_IFLNK, .link = target}}), HasSubstr("a symbolic link to "))
        << target;
  }
  for (const char* target : {"/etc/passwd", "linux/../../escaped", "../escaped", "linux"})
    EXPECT_THAT(refusal({{.name = "linux/link", .hardlink = target}}), HasSubstr("a hard link to ")) << target;
}

TEST_F(Tarball, NothingIsWrittenThroughALink) {
  const auto unpacked = unpack({{.name = "linux/real/", .type = AE_IFDIR, .permissions = 0755},
                                {.name = "linux/link", .type = AE_IFLNK, .link = "real"},
                                {.name = "linux/link/file"}});
  EXPECT_FALSE(unpacked && fs::exists(tree() / "real/file"));
}

// As the kernel's powerpc selftests have it.
TEST_F(Tarball, ALinkThatGoesUpByWayOfADotStaysInside) {
  const auto unpacked = unpack({{.name = "linux/", .type = AE_IFDIR, .permissions = 0755},
                                {.name = "linux/a/b/link", .type = AE_IFLNK, .link = "../.././a/.././../tree/x"},
                                {.name = "linux/a/b/other", .type = AE_IFLNK, .link = "./.././../kernel/pid.c"}});
  EXPECT_FALSE(unpacked) << "the first comes from below: its third .. stands behind a name";
  const auto inside = unpack({{.name = "linux/a/b/other", .type = AE_IFLNK, .link = "./.././../kernel/pid.c"}});
  EXPECT_TRUE(inside) << inside.error().message;
  EXPECT_THAT(refusal({{.name = "linux/a/link", .type = AE_IFLNK, .link = ".././../x"}}),
              testing::HasSubstr("outside of the tree"));
}

TEST_F(Tarball, SizesBeyondReasonAreRefusedBeforeAnyByte) {
  EXPECT_THAT(refusal({{.name = "linux/a", .size = std::int64_t{1} << 50}}), testing::HasSubstr("more than 16 GiB"));
  EXPECT_FALSE(fs::exists(tree() / "a"));
}

TEST_F(Tarball, DevicesAndFifosAreRefused) {
  for (const unsigned type : {AE_IFIFO, AE_IFCHR, AE_IFBLK})
    EXPECT_THAT(refusal({{.name = "linux/a", .type = type}}),
                testing::HasSubstr("neither a file, a folder nor a link"));
}

TEST_F(Tarball, WhatNobodyMayReadCanStillBeReadAndRemoved) {
  const auto unpacked = unpack(
      {{.name = "linux/closed/", .type = AE_IFDIR, .permissions = 0}, {.name = "linux/closed/file", .permissions = 0}});
  ASSERT_TRUE(unpacked) << unpacked.error().message;
  EXPECT_EQ(fs::status(tree() / "closed").permissions(), fs::perms(0700));
  EXPECT_EQ(fs::status(tree() / "closed/file").permissions(), fs::perms(0600));
}

TEST(Archives, AFileStartsNoProgram) {
  const auto folder = TempFolder::make(testing::TempDir(), "filter");
  const auto program = folder->path() / "lrzip";
  ASSERT_TRUE(write_file(program, "#!/bin/sh\ntouch " + (folder->path() / "started").string() + "\n"));
  fs::permissions(program, fs::perms::owner_all);
  const std::string path = getenv("PATH");
  setenv("PATH", (folder->path().string() + ":" + path).c_str(), 1);
  // What lrzip's files begin with; libarchive looks at seven bytes, and needs more than a few to try.
  const auto file = folder->path() / "x.lrz";
  ASSERT_TRUE(write_file(file, std::string("LRZI\0\6", 6) + std::string(1000, 'x')));
  const auto read = read_compressed(file);
  setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(read) << "it is taken for an uncompressed file";
  EXPECT_FALSE(fs::exists(folder->path() / "started"));
}

TEST(Archives, ACompressedFileHasItsLimit) {
  const auto folder = TempFolder::make(testing::TempDir(), "bomb");
  ASSERT_TRUE(write_file(folder->path() / "a", std::string(65 << 20, 'x')));
  const auto content = read_compressed(folder->path() / "a");
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().exit, Exit::user);
}

// A partial hash would give another source the same name.
TEST(Archives, AFolderThatCannotBeReadHasNoHash) {
  if (::geteuid() == 0) GTEST_SKIP() << "root can read it";
  const auto folder = TempFolder::make(testing::TempDir(), "tree");
  fs::create_directory(folder->path() / "closed");
  fs::permissions(folder->path() / "closed", fs::perms::none);
  const auto hash = hash_tree(folder->path());
  fs::permissions(folder->path() / "closed", fs::perms::owner_all);
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().exit, Exit::user);
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
