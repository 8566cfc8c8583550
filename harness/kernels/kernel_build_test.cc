// SPDX-License-Identifier: GPL-2.0
#include "kernel_build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "hash.h"
#include "kernel_size.h"
#include "processes.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A source that builds in a blink: Kconfig drops CONFIG_UNKNOWN, CONFIG_BROKEN does not compile, and what Kbuild leaves
// for kernel_size.h is there. As in Kbuild, what make and the compiler read of .config is written when .config is
// newer.
constexpr const char* kMakefile = R"(VERSION = 6
PATCHLEVEL = 12
CC = gcc -I$(CURDIR)
export SOURCE_DATE_EPOCH = 0
mrproper:
tinyconfig:
	echo CONFIG_TINY=y > $(O)/.config
olddefconfig:
	sed -i /CONFIG_UNKNOWN/d $(O)/.config
bzImage: $(O)/include/config/auto.conf $(O)/kernel/pid.o
	@! grep CONFIG_BROKEN $(O)/.config
	cd $(O) && cp kernel/pid.o vmlinux && cp .config System.map && ar rcsT vmlinux.a kernel/pid.o
	mkdir -p $(O)/arch/x86/boot && echo compressed > $(O)/arch/x86/boot/bzImage
$(O)/include/config/auto.conf: $(O)/.config
	mkdir -p $(O)/include/config $(O)/include/generated
	grep ^CONFIG_ $(O)/.config > $@
	sed -nE 's/^(CONFIG_[A-Z_]+)=y/#define \1 1/p' $(O)/.config > $(O)/include/generated/autoconf.h
$(O)/kernel/pid.o: pid.c
	@echo "  CC      kernel/pid.o"
	mkdir -p $(O)/kernel
	cd $(O) && $(CC) -c -o kernel/pid.o $(CURDIR)/pid.c
	echo "savedcmd := $(CC) -c -o kernel/pid.o $(CURDIR)/pid.c" > $(O)/kernel/.pid.o.cmd
)";

class Builder : public testing::Test {
 protected:
  Builder() {
    const fs::path source = root_.path() / "source";
    write(source / "Makefile", kMakefile);
    write(source / "pid.c", "int pid_max = 4096;\n");
    write(source / "linux/pid_namespace.h", "struct pid { char is[16]; };\nstruct pid_namespace { char is[32]; };\n");
    write(source / "linux/sched.h", "struct task_struct { char is[64]; };\n");
    write(root_.path() / "kernels/series-of-none/series", "");
    write(root_.path() / "kernels/mini.config", "# for tests\nCONFIG_SMP=y\n");
    base_ = {
        .name = "linux-6.12", .description = "", .source = source, .debian_config = "", .series = "series-of-none"};
    profile_.name = "mini";
    profile_.start = "tiny";
    profile_.fragments = {"mini.config"};
  }
  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    ASSERT_TRUE(write_file(file, text));
  }
  KernelSpec spec(const std::string& name, const std::string& setting) const {
    Model model;
    model.name = name;
    model.config = {setting};
    return {base_, profile_, model};
  }
  std::set<std::string> names_in(const char* folder) const {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(cache() / folder, error)) names.insert(entry.path().filename());
    return names;
  }
  fs::path cache() const { return root_.path() / "cache"; }

  const TempFolder root_ = *TempFolder::make(testing::TempDir(), "kernel-build-test");
  const KernelBuilder builder_{Paths{.root = root_.path(), .guest = {}, .results = {}, .cache = cache()}};
  Base base_;
  Profile profile_;
};

/// The same source as a git repository of a user's.
class Trees : public Builder {
 protected:
  Trees() {
    write(base_.source / "Kbuild", "");
    write(base_.source / "Kconfig", "config SMP\nconfig UNKNOWN\n");
    write(root_.path() / "kernels/mini.config", "CONFIG_SMP=y\nCONFIG_OF_ANOTHER_VERSION=y\nCONFIG_UNKNOWN=y\n");
    git({"init", "-q"});
    commit();
  }
  void git(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {"git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", base_.source.string()});
    const auto run = run_captured({.argv = words});
    ASSERT_TRUE(run && run->status == 0) << run->output;
  }
  void commit() const {
    git({"add", "-A"});
    git({"commit", "-q", "-m", "x"});
  }
  Kernel build(const std::string& revision) const {
    KernelSpec wanted = spec("tree:" + base_.source.string() + revision, "");
    const auto given = find_given_kernel(wanted, root_.path() / "kernels", KernelCache(cache()), {});
    EXPECT_TRUE(given) << given.error().message;
    wanted.given = *given;
    const auto kernel = builder_.build(wanted, 1);
    EXPECT_TRUE(kernel) << kernel.error().message;
    return *kernel;
  }
};

TEST_F(Trees, HalfANameIsRefused) {
  for (const auto& [end, what] :
       {std::pair("@", "no revision behind '@'"), {"@HEAD,config=", "no file behind 'config='"}}) {
    const KernelSpec wanted = spec("tree:" + base_.source.string() + end, "");
    const auto given = find_given_kernel(wanted, root_.path() / "kernels", KernelCache(cache()), {});
    ASSERT_FALSE(given) << end;
    EXPECT_THAT(given.error().message, HasSubstr(what));
  }
}

TEST_F(Trees, AreBuiltInOnePlaceFromWhatDiffers) {
  const Kernel first = build("@HEAD");
  EXPECT_TRUE(is_intact(first).value());
  EXPECT_THAT(*read_file(first.folder / "build.log"), HasSubstr("CC      kernel/pid.o"));
  EXPECT_EQ(*read_file(first.folder / "config"), "CONFIG_TINY=y\n\nCONFIG_SMP=y\n")
      << "without what this source does not know, and what it does not take";

  write(base_.source / "other.c", "");
  commit();
  const Kernel second = build("@HEAD");
  EXPECT_NE(second.hash, first.hash);
  EXPECT_THAT(*read_file(second.folder / "build.log"), Not(HasSubstr("CC ")));
  EXPECT_EQ(*read_file(second.vmlinux()), *read_file(first.vmlinux()));

  write(base_.source / "pid.c", "int pid_max = 8192;\n");
  const Kernel changed = build("");
  EXPECT_THAT(*read_file(changed.folder / "build.log"), HasSubstr("CC      kernel/pid.o"));
  EXPECT_NE(*read_file(changed.vmlinux()), *read_file(first.vmlinux()));

  // Back at the first content, which is newer there than the objects: they are made anew, and equal.
  fs::remove_all(first.folder);
  const Kernel again = build("@HEAD~1");
  EXPECT_EQ(again.hash, first.hash);
  EXPECT_EQ(*read_file(again.vmlinux()), *read_file(second.vmlinux()));
}

TEST_F(Builder, AKernelIsBuiltOnceAndKeptUnderItsHash) {
  const KernelSpec multi = spec("multi", "CONFIG_PID_NS=y");
  const auto hash = builder_.hash(multi);
  ASSERT_TRUE(hash) << hash.error().message;
  EXPECT_FALSE(builder_.is_built(multi, builder_.cached(multi, *hash)));

  const auto kernel = builder_.build(multi, 1);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->hash, *hash);
  EXPECT_EQ(kernel->folder, builder_.cached(multi, *hash).folder);
  EXPECT_TRUE(builder_.is_built(multi, *kernel));
  EXPECT_EQ(*read_file(kernel->folder / "config"), "CONFIG_TINY=y\n\nCONFIG_SMP=y\nCONFIG_PID_NS=y\n");
  EXPECT_EQ(read_kernel_size(kernel->sizes())->structs.at("task_struct"), 64);
  const Json manifest = *read_manifest(*kernel);
  EXPECT_EQ(manifest.at("hash"), *hash);
  EXPECT_EQ(manifest.at("model"), "multi");
  EXPECT_EQ(manifest.at("objects"), 1);
  EXPECT_THAT(names_in("tmp"), IsEmpty());
  EXPECT_THAT(names_in("objects"), IsEmpty()) << "no model starts with these";

  const auto written = fs::last_write_time(kernel->manifest());
  ASSERT_TRUE(builder_.build(multi, 1));
  EXPECT_EQ(fs::last_write_time(kernel->manifest()), written) << "from the cache";
}

// The kernel would be another than its hash says.
TEST_F(Builder, ASourceThatIsWrittenToDuringTheBuildMakesNoKernel) {
  write(base_.source / "Makefile",
        std::string(kMakefile).replace(std::string(kMakefile).find("-I$(CURDIR)"), 11,
                                       "-I$(CURDIR) -DLATER=`echo >> $(CURDIR)/new.h; echo 1`"));
  const auto built = builder_.build(spec("multi", "CONFIG_PID_NS=y"), 1);
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().exit, Exit::user);
  EXPECT_THAT(built.error().message, HasSubstr("was written to during the build"));
  EXPECT_THAT(names_in("kernels"), IsEmpty());
}

// Else it would be measured under the other's name.
TEST_F(Builder, AKernelThatIsNotTheOneThatWasBuiltIsBuiltAnew) {
  write(base_.source / "pid.c", "int pid_max = CONFIG;\n");
  write(base_.source / "Makefile", std::string(kMakefile).replace(std::string(kMakefile).find("-I$(CURDIR)"), 11,
                                                                  "-I$(CURDIR) -DCONFIG=`wc -c < $(O)/.config`"));
  const Kernel multi = *builder_.build(spec("multi", "CONFIG_PID_NS=y"), 1);
  const Kernel flat = *builder_.build(spec("flat", "CONFIG_PID_NS_FLAT=y"), 1);
  const std::string vmlinux_of_multi = *read_file(multi.vmlinux());
  const std::string vmlinux_of_flat = *read_file(flat.vmlinux());
  ASSERT_NE(vmlinux_of_multi, vmlinux_of_flat);

  write(multi.vmlinux(), vmlinux_of_flat);
  write(flat.vmlinux(), vmlinux_of_flat.substr(0, 100));
  testing::internal::CaptureStderr();
  ASSERT_TRUE(builder_.build(spec("multi", "CONFIG_PID_NS=y"), 1));
  ASSERT_TRUE(builder_.build(spec("flat", "CONFIG_PID_NS_FLAT=y"), 1));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(*read_file(multi.vmlinux()), vmlinux_of_multi);
  EXPECT_EQ(*read_file(flat.vmlinux()), vmlinux_of_flat);
  EXPECT_THAT(said, HasSubstr(multi.folder.string() + " is damaged: it does not hold the kernel multi"));
  EXPECT_THAT(said, HasSubstr(flat.folder.string() + " is damaged"));

  const std::string sizes = *read_file(multi.sizes());
  write(multi.sizes(), "{}");
  ASSERT_TRUE(builder_.build(spec("multi", "CONFIG_PID_NS=y"), 1));
  EXPECT_EQ(*read_file(multi.sizes()), sizes);

  write(multi.manifest(), R"({"hash": 7})");
  ASSERT_TRUE(builder_.build(spec("multi", "CONFIG_PID_NS=y"), 1)) << "a manifest of something else";
}

TEST_F(Builder, AKernelOfAnEarlierNslabGetsItsBzImageWhereOneIsWanted) {
  KernelSpec multi = spec("multi", "CONFIG_PID_NS=y");
  const Kernel kernel = *builder_.build(multi, 1);
  const auto written = fs::last_write_time(kernel.vmlinux());
  Json manifest = *read_manifest(kernel);
  EXPECT_EQ(manifest[kBzimageHash], *sha256_file(kernel.bzimage()));
  manifest.erase(kBzimageHash);
  write(kernel.manifest(), to_text(manifest));
  fs::remove(kernel.bzimage());

  EXPECT_TRUE(builder_.is_built(multi, kernel));
  multi.with_bzimage = true;
  EXPECT_FALSE(builder_.is_built(multi, kernel));
  ASSERT_TRUE(builder_.build(multi, 1));
  EXPECT_TRUE(builder_.is_built(multi, kernel));
  EXPECT_EQ(fs::last_write_time(kernel.vmlinux()), written) << "the kernel itself stays";
  EXPECT_TRUE(is_intact(kernel).value());

  write(kernel.bzimage(), "another kernel");
  EXPECT_FALSE(is_intact(kernel).value());
}

TEST_F(Builder, AModelStartsWithTheObjectsOfItsBuildBase) {
  KernelSpec multi = spec("multi", "CONFIG_PID_NS=y");
  // It was built when no model named it: the kernel is there, and its objects are not.
  ASSERT_TRUE(builder_.build(multi, 1));
  multi.model.is_build_base = true;
  KernelSpec flat = spec("flat", "CONFIG_PID_NS_FLAT=y");
  flat.model.build_base = std::make_shared<const Model>(multi.model);
  const auto kernel = builder_.build(flat, 1);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(read_manifest(*kernel)->at("objects"), 0) << "pid.o came with the build base's folder";
  EXPECT_EQ(names_in("kernels").size(), 2U);
  EXPECT_EQ(names_in("objects"), std::set<std::string>{"mini-multi-" + *builder_.hash(multi)});
  EXPECT_THAT(names_in("tmp"), IsEmpty());
}

/// A source in which pid.o depends on the config, and says which it was compiled with.
class ClockSetBack : public Builder {
 protected:
  ClockSetBack() {
    std::string makefile = kMakefile;
    makefile.replace(makefile.find("pid.o: pid.c"), 12, "pid.o: pid.c $(O)/include/config/auto.conf");
    makefile.replace(makefile.find("-I$(CURDIR)"), 11, "-I$(CURDIR) -include include/generated/autoconf.h");
    write(base_.source / "Makefile", makefile);
    write(base_.source / "pid.c",
          "#ifdef CONFIG_PID_NS_FLAT\nchar text[] = \"this is flat\";\n#else\nchar text[] = \"this is "
          "multi\";\n#endif\n");
  }
  KernelSpec multi() const {
    KernelSpec multi = spec("multi", "CONFIG_PID_NS=y");
    multi.model.is_build_base = true;
    return multi;
  }
  KernelSpec flat() const {
    KernelSpec flat = spec("flat", "CONFIG_PID_NS_FLAT=y");
    flat.model.build_base = std::make_shared<const Model>(multi().model);
    return flat;
  }
};

// The objects were built, or restored from elsewhere, when the clock was ahead: all that is written now looks older.
TEST_F(ClockSetBack, ObjectsFromTheFutureDoNotMakeFlatOfMulti) {
  using namespace std::chrono_literals;
  ASSERT_TRUE(builder_.build(multi(), 1));
  const auto future = fs::file_time_type::clock::now() + 24h;
  int dated = 0;
  for (const auto& entry : fs::recursive_directory_iterator(cache() / "objects")) {
    fs::last_write_time(entry.path(), future);
    ++dated;
  }
  ASSERT_GT(dated, 5);
  const auto kernel = builder_.build(flat(), 1);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_THAT(*read_file(kernel->vmlinux()), HasSubstr("this is flat"));
  EXPECT_EQ(read_manifest(*kernel)->at("objects"), 1);
}

// Whatever else make goes wrong by: a kernel is not kept under another's name.
TEST_F(ClockSetBack, AKernelOfAnotherConfigIsNotKept) {
  std::string makefile = *read_file(base_.source / "Makefile");
  makefile.replace(makefile.find("auto.conf: $(O)/.config"), 23, "auto.conf:");
  write(base_.source / "Makefile", makefile);
  ASSERT_TRUE(builder_.build(multi(), 1));
  const auto kernel = builder_.build(flat(), 1);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().exit, Exit::machine);
  EXPECT_THAT(kernel.error().message, HasSubstr("was compiled with other settings than its .config has"));
  EXPECT_EQ(names_in("kernels").size(), 1U) << "multi";
  EXPECT_THAT(names_in("tmp"), IsEmpty());
}

// Two checkouts with different series use one cache, in turns.
TEST_F(Builder, AnotherSeriesLeavesTheObjectsOfTheFirst) {
  const auto build = [&](const std::string& setting) {
    write(root_.path() / "kernels/mini.config", setting);
    KernelSpec multi = spec("multi", "CONFIG_PID_NS=y");
    multi.model.is_build_base = true;
    KernelSpec flat = spec("flat", "CONFIG_PID_NS_FLAT=y");
    flat.model.build_base = std::make_shared<const Model>(multi.model);
    ASSERT_TRUE(builder_.build(flat, 1));
  };
  build("CONFIG_MINE=y\n");
  const auto mine = names_in("objects");
  build("CONFIG_YOURS=y\n");
  EXPECT_EQ(names_in("objects").size(), 2U);
  EXPECT_TRUE(names_in("objects").contains(*mine.begin()));
}

TEST_F(Builder, ACacheInWhichNoKernelCanBeBuiltIsRefusedBeforeAnyWork) {
  for (const char* name : {"my cache", "a,b", "a:b", "a\xff", "$(id)"}) {
    const fs::path cache = root_.path() / name;
    const KernelBuilder builder(Paths{.root = root_.path(), .guest = {}, .results = {}, .cache = cache});
    const auto built = builder.build(spec("multi", "CONFIG_PID_NS=y"), 1);
    ASSERT_FALSE(built) << name;
    EXPECT_EQ(built.error().exit, Exit::user);
    EXPECT_THAT(built.error().message, HasSubstr("no kernel can be built in the cache folder"));
    EXPECT_FALSE(fs::exists(cache));
  }
}

TEST_F(Builder, ACacheMayHaveLettersOfAllScripts) {
  const fs::path cache = root_.path() / "a+b-\u00fc";
  const KernelBuilder builder(Paths{.root = root_.path(), .guest = {}, .results = {}, .cache = cache});
  const auto built = builder.build(spec("multi", "CONFIG_PID_NS=y"), 1);
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(built->folder.parent_path(), cache / "kernels");
}

TEST_F(Builder, ASourceWhoseKbuildIsAnotherIsTheUsers) {
  std::string makefile = kMakefile;
  makefile.replace(makefile.find("savedcmd"), 8, "built by hand");
  makefile.replace(makefile.find(" -o kernel/pid.o $(CURDIR)/pid.c\" >"), 35, " elsewhere\" >");
  write(base_.source / "Makefile", makefile);
  const auto built = builder_.build(spec("multi", "CONFIG_PID_NS=y"), 1);
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().exit, Exit::user);
  EXPECT_THAT(built.error().message, HasSubstr("kernel/.pid.o.cmd has no command that compiles kernel/pid.c"));
}

TEST_F(Builder, WhatDoesNotBuildIsTheUsersAndLeavesNothing) {
  const auto lost = builder_.build(spec("lost", "CONFIG_UNKNOWN=y"), 1);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().exit, Exit::user);
  EXPECT_THAT(lost.error().message, HasSubstr("\n  CONFIG_UNKNOWN=y"));

  const auto broken = builder_.build(spec("broken", "CONFIG_BROKEN=y"), 1);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().exit, Exit::user);
  EXPECT_THAT(broken.error().message, HasSubstr("kernel broken (mini): the build failed (exit status 2)"));
  EXPECT_THAT(broken.error().message, HasSubstr("  CONFIG_BROKEN=y\n")) << "the end of the log";
  EXPECT_THAT(names_in("kernels"), IsEmpty());
  EXPECT_THAT(names_in("tmp"), IsEmpty());
}

TEST(Manifest, IsReadAndSaidToBeDamagedWhenItIs) {
  const auto folder = TempFolder::make(std::filesystem::temp_directory_path(), "kernel-build-test");
  ASSERT_TRUE(folder);
  const Kernel kernel{.name = "multi", .hash = "12ab", .folder = folder->path()};
  EXPECT_FALSE(read_manifest(kernel)) << "there is none";

  ASSERT_TRUE(write_file(kernel.manifest(), R"({"hash": "12ab", "model": "multi"})"));
  const auto read = read_manifest(kernel);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->at("model"), "multi");

  ASSERT_TRUE(write_file(kernel.manifest(), R"({"hash": "12)"));
  const auto damaged = read_manifest(kernel);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("is damaged"), std::string::npos);
}

}  // namespace
}  // namespace nslab
