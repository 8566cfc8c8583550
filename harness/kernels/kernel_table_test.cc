// SPDX-License-Identifier: GPL-2.0
#include "kernel_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

Result<KernelTable> table_of(const std::string& models) {
  const auto folder = TempFolder::make(testing::TempDir(), "nslab-table");
  EXPECT_TRUE(write_file(folder->path() / "kernels.toml", models));
  return load_kernel_table(folder->path());
}

TEST(KernelTable, TheBuildBaseIsTheModelItNames) {
  const auto table = table_of(R"(
[model.flat]
description = "two levels"
build_base = "multi"
[model.multi]
description = "mainline"
config = ["CONFIG_PID_NS=y"]
)");
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_TRUE(table->model("flat")->build_base);
  EXPECT_EQ(table->model("flat")->build_base->name, "multi");
  EXPECT_EQ(table->model("flat")->build_base->config, std::vector<std::string>{"CONFIG_PID_NS=y"});
  EXPECT_TRUE(table->model("flat")->build_base->is_build_base);
  EXPECT_FALSE(table->model("flat")->is_build_base);
  EXPECT_TRUE(table->model("multi")->is_build_base);
  EXPECT_FALSE(table->model("multi")->build_base);
}

TEST(KernelTable, ABuildBaseHasNoBuildBase) {
  const auto chain = table_of(R"(
[model.a]
description = "a"
build_base = "b"
[model.b]
description = "b"
build_base = "c"
[model.c]
description = "c"
)");
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().exit, Exit::user);
  EXPECT_THAT(chain.error().message, testing::HasSubstr("'build_base' of model 'a' is 'b'"));
  const auto unknown = table_of("[model.a]\ndescription = \"a\"\nbuild_base = \"z\"\n");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("'build_base' of model 'a' is 'z'"));
}

TEST(KernelTable, AModelsOwnSeriesTakesThePlaceOfTheBases) {
  const std::string models = R"(
[model.multi]
description = "mainline"
[model.posted]
description = "mainline with other patches"
series = "others"
)";
  const auto table = table_of(models);
  ASSERT_TRUE(table) << table.error().message;
  const Base base{"base", "", "", "", "the base's"};
  EXPECT_EQ(KernelSpec(base, {}, *table->model("multi")).base.series, "the base's");
  EXPECT_EQ(KernelSpec(base, {}, *table->model("posted")).base.series, "others");
  const auto shared = table_of(models + "build_base = \"multi\"\n");
  ASSERT_FALSE(shared);
  EXPECT_THAT(shared.error().message, testing::HasSubstr("shares no objects"));
}

TEST(KernelTable, AnotherBuildOfAModelHasAnotherLayoutAndSharesItsObjects) {
  const auto table = table_of(R"(
[model.multi]
description = "mainline"
config = ["CONFIG_PID_NS=y", "CONFIG_LAYOUT_TWIN=1"]
[model.flat]
description = "two levels"
build_base = "multi"
[model.posted]
description = "as posted"
series = "linux-6.12-reserve"
)");
  ASSERT_TRUE(table) << table.error().message;
  const auto second = table->model("multi~2");
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->name, "multi~2");
  EXPECT_EQ(second->config, (std::vector<std::string>{"CONFIG_PID_NS=y", "CONFIG_LAYOUT_TWIN=2"}));
  EXPECT_FALSE(second->is_build_base);
  ASSERT_TRUE(second->build_base);
  EXPECT_EQ(second->build_base->name, "multi");
  EXPECT_EQ(table->model("flat~1")->build_base->name, "multi");
  EXPECT_THAT(table->model("posted~1").error().message, testing::HasSubstr("no other builds"));
  EXPECT_THAT(table->model("mult~1").error().message, testing::HasSubstr("did you mean 'multi'?"));
}

TEST(KernelTable, AModelsNameIsAPlainWord) {
  for (const char* name : {"../x", "a/b", ".", "a b", "", "\\u001b"}) {
    const auto table = parse_kernel_table(fmt::format("[model.\"{}\"]\ndescription = \"x\"\nconfig = []\n", name), "t");
    ASSERT_FALSE(table) << name;
    EXPECT_NE(table.error().message.find("must be letters, digits"), std::string::npos) << table.error().message;
  }
}

}  // namespace
}  // namespace nslab
