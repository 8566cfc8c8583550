// SPDX-License-Identifier: GPL-2.0
#include "paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace nslab {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& folder) {
  const auto checked = check_build_folder(folder);
  if (checked) return "";
  EXPECT_EQ(checked.error().exit, Exit::user);
  return checked.error().message;
}

TEST(BuildFolder, MayHaveWhatMakeAndShellsLeaveAlone) {
  for (const char* name : {"/root/.cache/nslab", "/a/c++/x_y-z@1", "/home/j\u00fcrgen/\u65e5\u672c"})
    EXPECT_EQ(refusal(name), "");
}

TEST(BuildFolder, MayNotHaveWhatTheyTakeForSomethingElse) {
  EXPECT_EQ(
      refusal("/my disk/nslab"),
      "no kernel can be built in the cache folder /my disk/nslab: the kernel's make takes no blank in its name. Set "
      "NSLAB_CACHE to a folder whose name has only letters, digits and /._-+@");
  for (const char* name :
       {",", ":", "$(id)", "#", "%", "\\", "'", "\"", "`", ";", "&", "|", "<", "*", "?", "[", "{", "~", "=", "!"})
    EXPECT_THAT(refusal(std::string("/a/") + name), HasSubstr(std::string("the kernel's make takes no ") + name[0]))
        << name;
  EXPECT_THAT(refusal("/a\nb"), HasSubstr("folder /a\\x0ab: the kernel's make takes no \\x0a in its name"));
}

// JSON cannot hold it: plans and manifests name files.
TEST(BuildFolder, MustBeUtf8) {
  EXPECT_THAT(refusal("/a/\xff"), HasSubstr("folder /a/\\xff: its name is no UTF-8"));
  EXPECT_THAT(refusal("/a/\xc3"), HasSubstr("is no UTF-8"));
}

TEST(TemporaryFolder, IsTheUsersOrTheSystems) {
  const char* const before = ::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/nowhere", 1);
  const auto missing = temporary_folder();
  ::setenv("TMPDIR", "/dev", 1);
  const auto named = temporary_folder();
  ::unsetenv("TMPDIR");
  const auto none = temporary_folder();
  if (before != nullptr) ::setenv("TMPDIR", kept.c_str(), 1);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit, Exit::user);
  EXPECT_EQ(missing.error().message,
            "TMPDIR is /nowhere, and there is no such folder: set it to a folder, or unset it");
  EXPECT_EQ(*named, "/dev");
  EXPECT_EQ(*none, "/tmp");
}

}  // namespace
}  // namespace nslab
