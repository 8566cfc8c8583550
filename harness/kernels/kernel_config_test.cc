// SPDX-License-Identifier: GPL-2.0
#include "kernel_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Settings, AreTheLinesThatSetSomething) {
  EXPECT_THAT(settings_of("# mini: what a guest needs.\n"
                          "CONFIG_SMP=y\n"
                          "\n"
                          "# CONFIG_VT is not set\n"
                          "# CONFIG_VT takes a second to start\n"
                          "CONFIG_NR_CPUS=2\n"),
              ElementsAre("CONFIG_SMP=y", "# CONFIG_VT is not set", "CONFIG_NR_CPUS=2"));
}

TEST(Settings, OfModulesAreTakenOut) {
  EXPECT_EQ(without_modules("# Debian's\nCONFIG_EXT4_FS=m\nCONFIG_SMP=y\nCONFIG_LOCALVERSION=\"=m\"\n"),
            "# Debian's\n# CONFIG_EXT4_FS is not set\nCONFIG_SMP=y\nCONFIG_LOCALVERSION=\"=m\"\n"
            "# CONFIG_MODULES is not set\n");
}

TEST(Settings, HoldWhenTheLastOfEachIsThere) {
  const std::string config = "CONFIG_A=y\nCONFIG_N=2\n# CONFIG_B is not set\n";
  EXPECT_TRUE(check_settings("CONFIG_A=y\nCONFIG_N=2\n# CONFIG_B is not set\n", config));
  EXPECT_TRUE(check_settings("# CONFIG_UNKNOWN is not set\n", config)) << "what is absent is off";
  EXPECT_TRUE(check_settings("CONFIG_B=y\nCONFIG_N=1\n# CONFIG_B is not set\nCONFIG_N=2\n", config));
}

TEST(Settings, ThatAreLostAreTheUsersAndAllNamed) {
  const auto lost = check_settings("CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_N=1\n# CONFIG_D is not set\n",
                                   "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=2\nCONFIG_D=y\n");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().exit, Exit::user);
  for (const char* setting : {"CONFIG_B=y", "CONFIG_C=y", "CONFIG_N=1", "# CONFIG_D is not set"})
    EXPECT_THAT(lost.error().message, HasSubstr("\n  " + std::string(setting)));
  EXPECT_THAT(lost.error().message, Not(HasSubstr("CONFIG_A")));
}

TEST(CompiledSettings, AreThoseOfTheConfig) {
  const auto folder = TempFolder::make(testing::TempDir(), "compiled-settings");
  const auto write = [&](const std::string& name, const std::string& text) {
    fs::create_directories((folder->path() / name).parent_path());
    ASSERT_TRUE(write_file(folder->path() / name, text));
  };
  write(".config",
        "# CONFIG_B is not set\nCONFIG_A=y\nCONFIG_M=m\nCONFIG_N=0x2\nCONFIG_T=\"a \\\" b\"\nCONFIG_E=\"\"\n");
  EXPECT_FALSE(check_compiled_settings(folder->path())) << "nothing is compiled";
  const std::string for_make = "CONFIG_A=y\nCONFIG_M=m\nCONFIG_N=0x2\nCONFIG_T=a \" b\nCONFIG_E=\n";
  const std::string for_compilers =
      "#define CONFIG_E \"\"\n#define CONFIG_A 1\n#define CONFIG_M_MODULE 1\n#define CONFIG_N 0x2\n"
      "#define CONFIG_T \"a \\\" b\"\n";
  write("include/config/auto.conf", "# Automatically generated\n" + for_make);
  write("include/generated/autoconf.h", "/* */\n" + for_compilers);
  const auto same = check_compiled_settings(folder->path());
  EXPECT_TRUE(same) << same.error().message;

  for (const char* other : {"CONFIG_B=y\n", "CONFIG_N=0x3\n"}) {
    write("include/config/auto.conf", for_make + other);
    EXPECT_FALSE(check_compiled_settings(folder->path())) << other;
  }
  write("include/config/auto.conf", for_make.substr(11));
  EXPECT_FALSE(check_compiled_settings(folder->path())) << "CONFIG_A is missing";
  write("include/config/auto.conf", for_make);
  for (const char* other : {"#define CONFIG_B 1\n", "#define CONFIG_T \"b\"\n"}) {
    write("include/generated/autoconf.h", for_compilers + other);
    const auto differs = check_compiled_settings(folder->path());
    ASSERT_FALSE(differs) << other;
    EXPECT_EQ(differs.error().exit, Exit::machine);
  }
}

/// A source whose Kconfig knows all options but CONFIG_UNKNOWN, and one that has no Kconfig.
class Configure : public testing::Test {
 protected:
  Configure() {
    fs::create_directories(build_);
    makefile(
        "tinyconfig:\n\techo CONFIG_TINY=y > $(O)/.config\n"
        "olddefconfig:\n\tsed -i /CONFIG_UNKNOWN/d $(O)/.config\n\techo CONFIG_DEFAULT=y >> $(O)/.config\n");
  }
  void makefile(const std::string& rules) { ASSERT_TRUE(write_file(folder_.path() / "Makefile", rules)); }
  Result<void> configure(const std::string& settings) {
    return configure_kernel({}, {.name = "mini", .description = "", .start = "tiny", .fragments = {}}, settings,
                            folder_.path(), build_);
  }

  const TempFolder folder_ = *TempFolder::make(testing::TempDir(), "kernel-config-test");
  const fs::path build_ = folder_.path() / "build";
};

TEST_F(Configure, SettingsGoOnTopOfTheStartAndKconfigCompletesThem) {
  const auto configured = configure("CONFIG_PID_NS=y\n# CONFIG_VT is not set\n");
  ASSERT_TRUE(configured) << configured.error().message;
  EXPECT_EQ(*read_file(build_ / ".config"),
            "CONFIG_TINY=y\n\nCONFIG_PID_NS=y\n# CONFIG_VT is not set\nCONFIG_DEFAULT=y\n");
}

TEST_F(Configure, WhatTheSourceDoesNotKnowIsTheUsersMistake) {
  const auto configured = configure("CONFIG_PID_NS=y\nCONFIG_UNKNOWN=y\n");
  ASSERT_FALSE(configured);
  EXPECT_EQ(configured.error().exit, Exit::user);
  EXPECT_THAT(configured.error().message, HasSubstr("\n  CONFIG_UNKNOWN=y"));

  makefile("tinyconfig:\n\techo init/Kconfig:3: syntax error; exit 1\n");
  const auto broken = configure("");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().exit, Exit::user);
  EXPECT_THAT(broken.error().message, HasSubstr("'make tinyconfig' for the kernel failed"));
  EXPECT_THAT(broken.error().message, HasSubstr("init/Kconfig:3: syntax error"));
}

}  // namespace
}  // namespace nslab
