// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "boot.h"
#include "files.h"
#include "image.h"
#include "kernel_build.h"
#include "paths.h"
#include "plan.h"
#include "processes.h"
#include "sample.h"

namespace nslab::lab {

/// The value, or the test program's end with the error: for what every test needs.
template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().message);
    std::abort();
  }
  return std::move(*result);
}

inline void must(const Result<void>& result) {
  if (result) return;
  fmt::print(stderr, "{}\n", result.error().message);
  std::abort();
}

Paths paths();
/// The base of the kernels under test: NSLAB_TEST_BASE, or the default one.
std::string base_name();
KernelSpec spec(const std::string& model, const std::string& profile = "mini");
/// From the cache, or built.
Kernel kernel(const std::string& model, const std::string& profile = "mini");
/// Whether `make check-models` asks (NSLAB_ALL_MODELS): for all models, and for what takes too long for `make check`.
bool all_models_wanted();
/// The models that the suites about behaviour run on: a set in which every option's value occurs, with the one that the
/// lab proposes, or for `make check-models` (NSLAB_ALL_MODELS) every model there is.
std::vector<std::string> models();
/// Pid namespaces that a model allows below the initial one, by its structure.
int depths_of(const std::string& model);
/// A model's name as GoogleTest takes it for a parameter's.
std::string test_name(const testing::TestParamInfo<std::string>& model);
/// The profile of those suites: NSLAB_TEST_PROFILE, or mini.
std::string models_profile();
/// Their guests' vCPUs: NSLAB_TEST_VCPUS, or 1.
int models_vcpus();

/// Cores of this machine, at least 1.
unsigned cores();

/// Calls body(item) for each item, as many at a time as there are cores. GoogleTest's assertions may fail in any
/// thread.
template <class Items, class Body>
void for_each_in_parallel(const Items& items, Body body) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min<std::size_t>(cores(), std::size(items)); ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < std::size(items); at = next++) body(items[at]);
    });
  }
}

/// Calls body(patch, tree) with a copy of the base's source as mainline has it, and no patch's name, and again behind
/// each patch of its series. Stops at the first fatal failure.
void behind_each_patch(const Base& base,
                       const std::function<void(const std::string& patch, const std::filesystem::path& tree)>& body);
/// The kernel's make for `tree`, on all cores, into `build`: objects and other targets, options, variables. What make
/// said if it failed, else nothing.
std::string run_make(const std::filesystem::path& tree, const std::filesystem::path& build,
                     const std::vector<std::string>& targets);

/// A folder that goes with the test.
TempFolder folder();

/// Runs build/nslab to its end, outside the test's own process.
Captured nslab(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment = {});
Command nslab_command(const std::vector<std::string>& arguments);

/// Runs an experiment into a folder and reads its samples.
std::vector<Sample> measure(const std::filesystem::path& results, const std::string& experiment,
                            const std::vector<std::string>& more = {});
/// Fails the test for each sample that is not the same to the digit.
void expect_equal(const std::vector<Sample>& samples, const std::vector<Sample>& again);

/// The plan of one boot for an experiment's text.
BootPlan first_boot(const std::string& experiment);
/// Boots it on the model's kernel, in a folder of its own, with more files (path in the guest → file) and with the
/// plugins of this folder. Several vCPUs run at once, on the host's clock.
Result<Boot> boot(const BootPlan& plan, double wall_limit_seconds = 300,
                  const std::map<std::string, std::filesystem::path>& more = {}, const std::string& profile = "mini",
                  int memory_mib = BootSettings{}.memory_mib, int vcpus = 1,
                  const std::filesystem::path& plugins = paths().plugins);

/// Keeps every core busy while it lives.
class Load {
 public:
  Load();

 private:
  std::vector<Process> spinners_;
};

}  // namespace nslab::lab
