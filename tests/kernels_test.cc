// SPDX-License-Identifier: GPL-2.0
//
// The kernels are what they are said to be: multi is mainline's code, lean differs from Debian where a reason is given,
// a build repeats to the bit, and the cache survives kills and company.
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "hash.h"
#include "kernel_config.h"
#include "lab_support.h"

namespace nslab::lab {
namespace {

namespace fs = std::filesystem;

/// Where every option is declared: name → folder of the first Kconfig file, as "mm" or "arch/x86".
std::map<std::string, std::set<std::string>> declared_options(const fs::path& tree) {
  std::map<std::string, std::set<std::string>> options;
  for (auto at = fs::recursive_directory_iterator(tree); at != fs::recursive_directory_iterator(); ++at) {
    if (!at->path().filename().string().starts_with("Kconfig")) continue;
    std::ifstream file(at->path());
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string keyword;
      std::string name;
      std::string more;
      if (words >> keyword >> name && (keyword == "config" || keyword == "menuconfig") && !(words >> more))
        options[name].insert(fs::relative(at->path(), tree).string());
    }
  }
  return options;
}

/// CONFIG_X → value; options that are not set are absent.
std::map<std::string, std::string> read_config(const fs::path& file) {
  std::map<std::string, std::string> config;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("CONFIG_")) continue;
    const auto equals = line.find('=');
    config[line.substr(7, equals - 7)] = line.substr(equals + 1);
  }
  return config;
}

/// Whether a Kconfig file declares options of code that measured paths run: processes, memory, security, the
/// architecture, the file systems and sockets in memory, and the debugging aids that would slow all of it.
bool on_measured_path(const std::string& kconfig) {
  for (const char* folder :
       {"mm/", "kernel/", "security/", "arch/Kconfig", "arch/x86/", "init/", "ipc/", "net/unix/", "fs/proc/",
        "fs/kernfs/", "fs/sysfs/", "fs/notify/", "drivers/connector/", "fs/Kconfig.binfmt", "lib/Kconfig."}) {
    if (kconfig.starts_with(folder)) return true;
  }
  return false;
}

// Every option in which `lean` differs from Debian's config, declared where measured paths run, needs a reason; and
// every reason a difference.
TEST(Lean, DiffersFromDebianOnlyWhereAReasonIsGiven) {
  const KernelBuilder builder(paths());
  const KernelSpec lean = spec("multi", "lean");
  const fs::path tree = must(builder.source_tree(lean.base, /*patched=*/false));
  const fs::path patched = must(builder.source_tree(lean.base, /*patched=*/true));
  const TempFolder debian_folder = folder();
  const TempFolder lean_folder = folder();
  const auto completed = configure_debian(lean.base, tree, debian_folder.path());
  ASSERT_TRUE(completed) << completed.error().message;
  const auto configured = builder.configure(lean, patched, lean_folder.path());
  ASSERT_TRUE(configured) << configured.error().message;
  const auto debian = read_config(debian_folder.path() / ".config");
  const auto here = read_config(lean_folder.path() / ".config");
  ASSERT_GT(debian.size(), 1000U);
  const auto declared = declared_options(patched);

  std::map<std::string, std::string> allowed;
  std::ifstream list(paths().kernels_folder() / "profiles/lean.allow");
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    ASSERT_TRUE(line.starts_with("CONFIG_")) << line;
    const auto space = line.find(' ');
    ASSERT_NE(space, std::string::npos) << line << ": no reason is given";
    ASSERT_GT(line.size() - space, 8U) << line << ": that is no reason";
    ASSERT_TRUE(allowed.emplace(line.substr(7, space - 7), line.substr(space + 1)).second) << line << ": listed twice";
  }

  std::set<std::string> names;
  for (const auto& [name, value] : debian) names.insert(name);
  for (const auto& [name, value] : here) names.insert(name);
  std::set<std::string> different;
  int elsewhere = 0;
  for (const std::string& name : names) {
    const std::string before = debian.contains(name) ? debian.at(name) : "n";
    const std::string after = here.contains(name) ? here.at(name) : "n";
    if (before == after) continue;
    const auto found = declared.find(name);
    const bool ours = name.starts_with("PID_NS_") || name == "LAYOUT_TWIN";  // the series' own options
    const bool measured =
        found != declared.end() && std::any_of(found->second.begin(), found->second.end(), on_measured_path);
    if (!measured || ours) {
      ++elsewhere;
      continue;
    }
    different.insert(name);
    EXPECT_TRUE(allowed.contains(name)) << "CONFIG_" << name << " is " << before << " with Debian and " << after
                                        << " in lean (" << *found->second.begin()
                                        << "): make it Debian's, or give the reason in lean.allow";
  }
  for (const auto& [name, reason] : allowed) {
    // Debian's config loses BTF where pahole is not installed, and with it the difference.
    if (reason.starts_with("pahole: ")) continue;
    EXPECT_TRUE(different.contains(name)) << "CONFIG_" << name << " does not differ: take it out of lean.allow";
  }
  fmt::print("lean differs from Debian in {} options: {} on measured paths, each with a reason, {} elsewhere\n",
             different.size() + static_cast<std::size_t>(elsewhere), different.size(), elsewhere);
}

/// Disassembly of one object without addresses of the file's own making.
std::string disassembly(const fs::path& object) {
  const auto run = must(run_captured({.argv = {"objdump", "-dr", "--no-show-raw-insn", object.string()}}));
  EXPECT_EQ(run.status, 0) << run.output;
  // The first lines name the file.
  return run.output.substr(run.output.find("Disassembly of section"));
}

// The reference is mainline, untouched: the objects that pids run through have mainline's instructions.
TEST(Multi, CompilesToMainlinesCode) {
  const KernelBuilder builder(paths());
  const KernelSpec multi = spec("multi", "lean");
  const std::vector<std::string> objects = {"kernel/pid.o",  "kernel/pid_namespace.o", "kernel/fork.o",
                                            "kernel/exit.o", "kernel/signal.o",        "kernel/sys.o"};
  std::map<bool, TempFolder> folders;
  for (const bool patched : {false, true}) {
    const fs::path tree = must(builder.source_tree(multi.base, patched));
    TempFolder work = folder();
    KernelSpec mainline = multi;
    // Without the series its options do not exist.
    if (!patched) mainline.model.config = {"CONFIG_PID_NS=y"};
    const auto configured = builder.configure(mainline, tree, work.path());
    ASSERT_TRUE(configured) << configured.error().message;
    ASSERT_EQ(run_make(tree, work.path(), objects), "");
    folders.emplace(patched, std::move(work));
  }
  for (const std::string& object : objects) {
    const std::string mainline = disassembly(folders.at(false).path() / object);
    EXPECT_GT(mainline.size(), 10'000U);
    EXPECT_EQ(sha256(mainline), sha256(disassembly(folders.at(true).path() / object)))
        << object << " differs from mainline's";
  }
}

/// The instructions of one function in disassembly(), without those that fill it up to the next.
std::vector<std::string> instructions_of(const std::string& function, const std::string& disassembly) {
  std::vector<std::string> instructions;
  const auto start = disassembly.find("<" + function + ">:\n");
  if (start == std::string::npos) return instructions;
  std::istringstream lines(disassembly.substr(disassembly.find('\n', start) + 1));
  for (std::string line; std::getline(lines, line) && !line.empty();) {
    if (line.find("nop") == std::string::npos) instructions.push_back(line);
  }
  return instructions;
}

// The bare kernel is what it is measured for: an id of one's own is in the task, and nowhere else.
TEST(Bare, ReadsItsOwnIdsFromTheTask) {
  const KernelBuilder builder(paths());
  const KernelSpec bare = spec("none+cache");
  const fs::path tree = must(builder.source_tree(bare.base, /*patched=*/true));
  const TempFolder work = folder();
  const auto configured = builder.configure(bare, tree, work.path());
  ASSERT_TRUE(configured) << configured.error().message;
  ASSERT_EQ(run_make(tree, work.path(), {"kernel/sys.o"}), "");
  const std::string code = disassembly(work.path() / "kernel/sys.o");
  for (const auto& [call, reads] :
       {std::pair("__x64_sys_getpid", 1), std::pair("__x64_sys_gettid", 1), std::pair("__x64_sys_getppid", 2)}) {
    const auto instructions = instructions_of(call, code);
    EXPECT_GT(instructions.size(), 2U) << call;
    int followed = 0;
    for (const std::string& line : instructions) {
      EXPECT_EQ(line.find("call"), std::string::npos) << call << ": " << line;
      if (line.find("(%r") != std::string::npos && line.find("%rip") == std::string::npos) ++followed;
    }
    EXPECT_EQ(followed, reads) << call;
  }
}

// As for the kernel's own list. The notice on MAINTAINERS for a new file is all that is let pass: the lab's series goes
// nowhere, and what is to be posted makes no file.
TEST(Series, PassesCheckpatch) {
  const KernelBuilder builder(paths());
  const fs::path tree = must(builder.source_tree(spec("multi").base, /*patched=*/false));
  std::vector<fs::path> patches;
  std::vector<std::string> models = {"multi"};
  if (base_name() == kDefaultBase) models.insert(models.end(), {"posted", "window"});
  for (const std::string& model : models) {
    for (const auto& entry : fs::directory_iterator(paths().kernels_folder() / spec(model).base.series)) {
      if (entry.path().extension() == ".patch") patches.push_back(entry.path());
    }
  }
  EXPECT_GE(patches.size(), base_name() == kDefaultBase ? 27U : 19U);
  for_each_in_parallel(patches, [&](const fs::path& patch) {
    const Captured run = must(run_captured({.argv = {"perl", "scripts/checkpatch.pl", "--strict", "--no-summary",
                                                     "--terse", "--ignore", "FILE_PATH_CHANGES", patch.string()},
                                            .folder = tree}));
    EXPECT_EQ(run.status, 0) << run.output;
  });
}

/// Compiles what the patches touch, behind every patch of the models' base and with every option that is there by then:
/// what a bisection may hit. Says how many builds it were.
void build_at_each_step(const std::vector<std::string>& models, int& built) {
  const KernelBuilder builder(paths());
  const TempFolder work = folder();
  behind_each_patch(spec(models.front()).base, [&](const std::string& name, const fs::path& tree) {
    if (name.empty()) return;
    const std::string options = must(read_file(tree / "init/Kconfig"));
    for (const std::string& model : models) {
      KernelSpec step = spec(model);
      const auto known = [&](const std::string& line) {
        return line.starts_with("#") ||
               options.find("config " + line.substr(7, line.find('=') - 7) + "\n") != std::string::npos;
      };
      if (!std::all_of(step.model.config.begin(), step.model.config.end(), known)) continue;
      const fs::path build = work.path() / model;
      fs::create_directories(build);
      const auto configured = builder.configure(step, tree, build);
      ASSERT_TRUE(configured) << name << ", " << model << ": " << configured.error().message;
      std::vector<std::string> objects = {"kernel/pid.o",    "kernel/fork.o",    "kernel/exit.o",    "kernel/signal.o",
                                          "kernel/sys.o",    "kernel/sysctl.o",  "fs/proc/array.o",  "fs/proc/base.o",
                                          "ipc/mqueue.o",    "kernel/nsproxy.o", "init/init_task.o", "lib/idr.o",
                                          "lib/radix-tree.o"};
      if (fs::exists(tree / "fs/pidfs.c")) objects.emplace_back("fs/pidfs.o");
      if (!model.starts_with("none")) objects.push_back("kernel/pid_namespace.o");
      if (model.find("+hash") != std::string::npos) objects.push_back("kernel/pid_hash.o");
      ASSERT_EQ(run_make(tree, build, objects), "") << name << ", " << model;
      ++built;
    }
  });
}

// Some ten minutes, so that `make check` leaves it to `make check-models`.
TEST(Series, BuildsAtEachStep) {
  if (!all_models_wanted()) GTEST_SKIP() << "with make check-models (NSLAB_ALL_MODELS)";
  int built = 0;
  build_at_each_step({"multi", "none", "none+cache", "none+cache+hash", "flat+cache", "flat+hash", "static3",
                      "list+hash", "multi+cache+hash", "multi+hash22", "multi+reserve", "flat+reserve"},
                     built);
  EXPECT_GT(built, 60);
  if (base_name() != kDefaultBase) return;
  for (const auto& [model, patches] : {std::pair{"posted", 4}, std::pair{"window", 5}}) {
    built = 0;
    build_at_each_step({model}, built);
    EXPECT_EQ(built, patches) << model;
  }
}

/// Makes a folder of the cache part of another cache.
void share(const std::string& name, const fs::path& other) {
  fs::create_directories(paths().cache / name);
  fs::create_directories((other / name).parent_path());
  std::error_code is_there;
  fs::create_directory_symlink(paths().cache / name, other / name, is_there);
}

class Cache : public testing::Test {
 protected:
  // A cache of its own, with what takes long and is not under test: the unpacked source, and multi with its objects.
  Cache() : root_(folder()) {
    kernel("flat+hash");
    share("sources", root_.path());
    share("source-hashes", root_.path());
    share("kernels/" + kernel("multi").hash, root_.path());
    for (const auto& entry : fs::directory_iterator(paths().cache / "objects")) {
      const std::string name = entry.path().filename();
      if (name.starts_with("mini-multi-")) share("objects/" + name, root_.path());
    }
  }
  Process start(const std::string& log) {
    Command command = nslab_command({"kernel", "build", "flat+hash", "--profile", "mini"});
    command.environment["NSLAB_CACHE"] = root_.path();
    command.output = root_.path() / log;
    return must(Process::start(command));
  }
  static int finish(Process& process) {
    const auto status = process.wait_for(1200);
    return status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  }
  std::string log(const std::string& name) const { return must(read_file(root_.path() / name)); }
  std::vector<std::string> kernels() const {
    std::vector<std::string> hashes;
    for (const auto& entry : fs::directory_iterator(root_.path() / "kernels"))
      hashes.push_back(entry.path().filename());
    return hashes;
  }

  const TempFolder root_;
};

/// flat+hash, built from scratch. Three minutes of two cores, so that it is kept like any other kernel, by the hash of
/// what went into it, in a cache of its own inside the cache: in the cache itself, this hash is the kernel that was
/// built from multi's objects.
Kernel from_scratch() {
  const fs::path root = paths().cache / "from-scratch";
  share("sources", root);
  share("source-hashes", root);
  const Captured run =
      nslab({"kernel", "build", "flat+hash", "--profile", "mini", "--from-scratch"}, {{"NSLAB_CACHE", root.string()}});
  EXPECT_EQ(WEXITSTATUS(run.status), 0) << run.output;
  const std::string hash = kernel("flat+hash").hash;
  return {"flat+hash", hash, root / "kernels" / hash};
}

std::int64_t objects_compiled(const Kernel& kernel) {
  return must(read_manifest(kernel)).at("objects").get<std::int64_t>();
}

// One test, as each build takes a while: killed, then two at once. From multi's objects, they give the bits that a
// build from scratch gives.
TEST_F(Cache, SurvivesAKillAndCompanyAndRepeatsToTheBit) {
  {
    Process killed = start("killed");
    while (log("killed").find("flat+hash (mini): building with") == std::string::npos)
      ASSERT_FALSE(killed.wait_for(0.2)) << log("killed");
    killed.wait_for(2);
    killed.kill(SIGKILL);
    ASSERT_TRUE(killed.wait_for(30));
  }
  EXPECT_THAT(kernels(), testing::ElementsAre(kernel("multi").hash)) << "half a kernel is no kernel";

  Process one = start("one");
  Process two = start("two");
  EXPECT_EQ(finish(one), 0) << log("one");
  EXPECT_EQ(finish(two), 0) << log("two");
  const std::string both = log("one") + log("two");
  EXPECT_THAT(both, testing::HasSubstr("another nslab builds flat+hash; waiting for it"));
  constexpr const char* kBuilt = "flat+hash (mini): built, ";
  EXPECT_THAT(both, testing::HasSubstr(kBuilt));
  EXPECT_EQ(both.find(kBuilt), both.rfind(kBuilt)) << "one builds, the other takes the result";
  EXPECT_TRUE(fs::is_empty(root_.path() / "tmp")) << "nothing is left of the killed build";

  const Kernel cached = kernel("flat+hash");
  const Kernel whole = from_scratch();
  const Kernel built = {cached.name, cached.hash, root_.path() / "kernels" / cached.hash};
  EXPECT_GT(objects_compiled(whole), 4 * objects_compiled(built));
  EXPECT_EQ(must(sha256_file(built.vmlinux())), must(sha256_file(whole.vmlinux())));
  EXPECT_EQ(must(sha256_file(cached.vmlinux())), must(sha256_file(whole.vmlinux())));
}

TEST(Table, EveryModelHasAHashOfItsOwn) {
  const KernelTable table = must(load_kernel_table(paths().kernels_folder()));
  std::set<std::string> hashes;
  std::size_t kernels = 0;
  for (const Profile& profile : table.profiles) {
    for (const Model& model : table.models) {
      hashes.insert(must(KernelBuilder(paths()).hash({must(table.base(kDefaultBase)), profile, model})));
      ++kernels;
    }
  }
  EXPECT_EQ(hashes.size(), kernels);
}

// Kconfig takes what the fragments say, those of profiles that are built nowhere in make check, too.
TEST(Table, EveryProfileCanBeConfigured) {
  const KernelTable table = must(load_kernel_table(paths().kernels_folder()));
  const KernelBuilder builder(paths());
  const fs::path tree = must(builder.source_tree(must(table.base(kDefaultBase)), /*patched=*/true));
  for_each_in_parallel(table.profiles, [&](const Profile& profile) {
    const TempFolder build = folder();
    const auto configured = builder.configure(spec("flat+cache+hash", profile.name), tree, build.path());
    EXPECT_TRUE(configured) << profile.name << ": " << configured.error().message;
  });
}

TEST(Size, TheTablesAreKeptWithTheKernelsManifests) {
  const TempFolder results = folder();
  const Captured run =
      nslab({"kernel", "size", "multi", "nons", "--profile", "mini", "--results", results.path().string()});
  ASSERT_EQ(WEXITSTATUS(run.status), 0) << run.output;
  const std::string report = must(read_file(results.path() / "report.md"));
  EXPECT_THAT(report, testing::HasSubstr("| struct pid\\_namespace |"));
  EXPECT_THAT(report, testing::HasSubstr("| kernel/pid\\_namespace.o |"));
  EXPECT_THAT(report, testing::HasSubstr("NAMESPACES=n saves "));
  const auto manifests = nlohmann::json::parse(must(read_file(results.path() / "manifest.json")));
  ASSERT_EQ(manifests.size(), 2U);
  EXPECT_EQ(manifests[0].at("hash"), kernel("multi").hash);
  EXPECT_EQ(manifests[1].at("hash"), kernel("nons").hash);
}

TEST(Source, WhatIsNoLinux612IsRefused) {
  const TempFolder tree = folder();
  ASSERT_TRUE(write_file(tree.path() / "Makefile", "VERSION = 5\nPATCHLEVEL = 4\nmrproper:\n"));
  const Captured run = nslab({"kernel", "build", "multi", "--profile", "mini", "--source", tree.path().string()});
  EXPECT_EQ(WEXITSTATUS(run.status), 2) << run.output;
  EXPECT_THAT(run.output, testing::HasSubstr("is no Linux 6.12 source"));
}

}  // namespace
}  // namespace nslab::lab
