// SPDX-License-Identifier: GPL-2.0
//
// The series compile for other architectures, behind each patch, with Debian's cross compilers. Nothing is booted.
#include <optional>
#include <sstream>

#include "kernel_source.h"
#include "lab_support.h"

namespace nslab::lab {
namespace {

namespace fs = std::filesystem;

struct Architecture {
  std::string name;
  std::string compilers;
};

// Files of the core that are about pids, and are compiled whatever they mention.
const std::vector<std::string> kCore = {
    "kernel/pid.o",    "kernel/pid_namespace.o", "kernel/fork.o",    "kernel/exit.o",
    "kernel/sys.o",    "kernel/signal.o",        "fs/pidfs.o",       "kernel/nsproxy.o",
    "kernel/ptrace.o", "kernel/futex/pi.o",      "lib/idr.o",        "kernel/time/posix-cpu-timers.o",
    "fs/proc/array.o", "fs/proc/base.o",         "fs/proc/root.o",   "fs/proc/loadavg.o",
    "fs/proc/self.o",  "fs/proc/thread_self.o",  "init/init_task.o", "kernel/sched/core.o"};

// How a file mentions pids or their namespaces, as grep -E has it.
constexpr const char* kMentions =
    "struct upid|pid_namespace\\b|find_vpid|find_get_pid|\\b(get|put)_pid\\(|pid_v?nr\\(|task_(pid|tgid)\\(|thread_pid|"
    "init_pid_ns|task_active_pid_ns|task_pid_nr_ns|pid_ns_";

/// The objects of the files below these folders that mention pids.
std::vector<std::string> objects_below(const fs::path& tree, const std::vector<std::string>& folders) {
  Command grep{.argv = {"grep", "-rlE", "--include=*.c", kMentions}, .folder = tree};
  grep.argv.insert(grep.argv.end(), folders.begin(), folders.end());
  std::istringstream files(must(run_captured(grep)).output);
  std::vector<std::string> objects;
  for (std::string file; std::getline(files, file);) objects.push_back(fs::path(file).replace_extension("o").string());
  return objects;
}

/// A build folder for one architecture. What make said if it failed is returned, else nothing.
class CrossBuild {
 public:
  CrossBuild(const Architecture& architecture, fs::path tree) : architecture_(architecture), tree_(std::move(tree)) {}

  /// Turns on what can be turned on by now, but for `settings`.
  std::string configure(const std::string& settings) const {
    const fs::path file = folder_.path() / "settings";
    must(write_file(file, settings));
    const std::string output = make({"KCONFIG_ALLCONFIG=" + file.string(), "allmodconfig"});
    return output.empty() ? make({"prepare", "modules_prepare"}) : output;
  }
  /// Compiles these, each whatever becomes of the others.
  std::string compile(std::vector<std::string> objects) const {
    objects.insert(objects.begin(), "-k");
    return make(std::move(objects));
  }
  bool has(const std::string& object) const { return fs::exists(folder_.path() / object); }
  std::string configuration() const { return must(read_file(folder_.path() / ".config")); }

 private:
  std::string make(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"ARCH=" + architecture_.name, "CROSS_COMPILE=" + architecture_.compilers});
    return run_make(tree_, folder_.path(), arguments);
  }

  Architecture architecture_;
  fs::path tree_;
  TempFolder folder_ = folder();
};

/// Compiles files that mention pids behind each patch of a model's series, drivers behind the last one only, with these
/// options as soon as they are there. Files that mainline does not compile so (they need more than the architecture
/// has) are left out.
void compile_at_each_step(const Architecture& architecture, const std::string& model,
                          const std::vector<std::string>& options) {
  // With GCC's plugins, keys and BTF one would need more than a compiler.
  std::string settings =
      "CONFIG_GCC_PLUGINS=n\nCONFIG_WERROR=n\nCONFIG_DEBUG_INFO_NONE=y\nCONFIG_SYSTEM_TRUSTED_KEYRING=n\n";
  for (const std::string& option : options) settings += option + "\n";
  const Base base = spec(model).base;
  const std::string last = must(read_series(paths().kernels_folder() / base.series)).back().name;
  std::optional<CrossBuild> build;
  std::vector<std::string> objects;
  std::vector<std::string> drivers;
  std::size_t steps = 0;
  behind_each_patch(base, [&](const std::string& patch, const fs::path& tree) {
    if (!build) build.emplace(architecture, tree);
    ASSERT_EQ(build->configure(settings), "") << patch;
    if (patch.empty()) {
      objects = objects_below(tree, {"arch/" + architecture.name});
      objects.insert(objects.end(), kCore.begin(), kCore.end());
      drivers = objects_below(tree, {"drivers"});
      build->compile(objects);
      build->compile(drivers);
      const auto is_missing = [&](const std::string& object) { return !build->has(object); };
      std::erase_if(objects, is_missing);
      std::erase_if(drivers, is_missing);
      EXPECT_GT(objects.size(), kCore.size());
      EXPECT_GT(drivers.size(), 0U);
      for (const std::string& object : kCore) EXPECT_TRUE(build->has(object)) << object;
      return;
    }
    ASSERT_EQ(build->compile(objects), "") << patch;
    if (patch == last) {
      for (const std::string& option : options) {
        if (option.ends_with("=y")) {
          EXPECT_THAT(build->configuration(), testing::HasSubstr("\n" + option + "\n"));
        }
      }
      ASSERT_EQ(build->compile(drivers), "") << patch;
    }
    ++steps;
  });
  fmt::print("{}, the series of {}: {} objects behind each of {} patches, {} of drivers behind the last\n",
             architecture.name, model, objects.size(), steps, drivers.size());
}

struct Case {
  std::string name;
  Architecture architecture;
  std::string model;
  std::vector<std::string> options;
};

void PrintTo(const Case& what, std::ostream* out) { *out << what.name; }
std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class OtherArchitectures : public testing::TestWithParam<Case> {};

TEST_P(OtherArchitectures, CompileEachStep) {
  if (!all_models_wanted()) GTEST_SKIP() << "with make check-models (NSLAB_ALL_MODELS): hours";
  compile_at_each_step(GetParam().architecture, GetParam().model, GetParam().options);
}

const Architecture kArm64 = {"arm64", "aarch64-linux-gnu-"};
const Architecture kPowerpc = {"powerpc", "powerpc64le-linux-gnu-"};
// allmodconfig by itself would never choose the flat structure, nor the ids kept ready, which exclude the hash.
const std::vector<std::string> kHash = {"CONFIG_PID_NS_HASH=y", "CONFIG_PID_NS_CACHE=y"};
const std::vector<std::string> kReserve = {"CONFIG_PID_NS_FLAT=y", "CONFIG_PID_NS_HASH=n", "CONFIG_PID_NS_RESERVE=y"};

INSTANTIATE_TEST_SUITE_P(
    Series, OtherArchitectures,
    testing::Values(Case{"arm64", kArm64, "multi", kHash}, Case{"arm64_flat_reserve", kArm64, "multi", kReserve},
                    Case{"arm64_posted", kArm64, "posted", {}}, Case{"arm64_window", kArm64, "window", {}},
                    Case{"powerpc", kPowerpc, "multi", kHash},
                    Case{"powerpc_flat_reserve", kPowerpc, "multi", kReserve},
                    Case{"powerpc_posted", kPowerpc, "posted", {}}, Case{"powerpc_window", kPowerpc, "window", {}}),
    case_name);

}  // namespace
}  // namespace nslab::lab
