// SPDX-License-Identifier: GPL-2.0
//
// Kernels that others have built: Debian's package, and an image.
#include <set>

#include "kernel_symbols.h"
#include "lab_support.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

std::string experiment(const std::string& kernels) {
  return fmt::format(R"(
name = "given"
profile = "mini"
boots = 1
isolation = "boot"
attribution = true
[[measure]]
kernels = {}
depths = [0, 1]
benchmarks = ["getpid", "fork_exit_wait"]
)",
                     kernels);
}

// That a boot succeeds says that the functions' instructions add up to what the meter read.
TEST(Given, DebiansKernelIsCountedByFunctionAndRepeatsToTheDigit) {
  const TempFolder work = folder();
  const auto samples = measure(work.path() / "one", experiment(R"(["debian:6.12"])"));
  ASSERT_EQ(samples.size(), 4U);
  for (const Sample& sample : samples) EXPECT_EQ(sample.status, CellStatus::ok) << sample.benchmark;
  const Load load;
  expect_equal(samples, measure(work.path() / "two", experiment(R"(["debian:6.12"])")));
}

/// The symbols of code, as address and name.
std::set<std::pair<std::uint64_t, std::string>> code_of(const fs::path& map) {
  std::set<std::pair<std::uint64_t, std::string>> code;
  for (const KernelSymbol& symbol : must(parse_system_map(must(read_file(map)), map.string()))) {
    if (symbol.is_code()) code.emplace(symbol.address, symbol.name);
  }
  return code;
}

/// Where the code ends that can be executed.
std::uint64_t end_of_code(const std::set<std::pair<std::uint64_t, std::string>>& code) {
  const auto end =
      std::find_if(code.begin(), code.end(), [](const auto& symbol) { return symbol.second == "_einittext"; });
  return end == code.end() ? 0 : end->first;
}

TEST(Given, AStrippedImageHasItsSymbolsFromItselfAndTheDigitsOfTheModel) {
  const TempFolder work = folder();
  const Kernel multi = kernel("multi");
  const fs::path image = work.path() / "vmlinux";
  const Captured stripped =
      must(run_captured({.argv = {"objcopy", "--strip-all", multi.vmlinux().string(), image.string()}}));
  ASSERT_EQ(stripped.status, 0) << stripped.output;
  const std::string name = "image:" + image.string();
  const auto samples = measure(work.path() / "results", experiment(fmt::format(R"(["multi", "{}"])", name)));

  KernelSpec wanted = spec("multi");
  wanted.model.name = name;
  wanted.given = must(find_given_kernel(wanted, paths().kernels_folder(), KernelCache(paths().cache), {}));
  const Kernel given = must(KernelBuilder(paths()).build(wanted));
  const auto own = code_of(given.folder / "System.map");
  EXPECT_GT(own.size(), 5000U);
  for (const auto& [address, symbol] : own) EXPECT_LE(address, end_of_code(own)) << symbol;
  auto all = code_of(multi.folder / "System.map");
  std::erase_if(all, [&](const auto& symbol) { return symbol.first > end_of_code(all); });  // for the end of modules
  EXPECT_EQ(own, all);
  ASSERT_EQ(samples.size(), 8U);
  std::vector<Sample> of_model;
  std::vector<Sample> of_image;
  for (const Sample& sample : samples) (sample.kernel == "multi" ? of_model : of_image).push_back(sample);
  for (Sample& sample : of_image) sample.kernel = "multi";
  expect_equal(of_model, of_image);
  std::error_code ignored;
  fs::remove_all(given.folder, ignored);  // nobody else has this image

  // A map of another kernel would name other functions.
  const fs::path map = work.path() / "map";
  must(write_file(map, "ffffffff81000000 T start_kernel\n"));
  wanted.model.name = fmt::format("{},map={}", name, map.string());
  wanted.given = must(find_given_kernel(wanted, paths().kernels_folder(), KernelCache(paths().cache), {}));
  const auto refused = KernelBuilder(paths()).build(wanted);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("of 1 functions that both name, 1 lie elsewhere"));
}

}  // namespace
}  // namespace nslab::lab
