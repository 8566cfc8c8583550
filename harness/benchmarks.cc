// SPDX-License-Identifier: GPL-2.0
#include "benchmarks.h"

#include <nlohmann/json.hpp>

#include "os.h"

namespace nslab {

Result<std::vector<Benchmark>> list_benchmarks(const std::filesystem::path& program) {
  const auto run = run_captured({.argv = {program.string(), "--list"}, .folder = {}, .environment = {}, .output = {}});
  if (!run) return run.error();
  if (run->status != 0) {
    return Error{Exit::bug, fmt::format("{} --list ended with {}:\n{}", program.string(), describe_status(run->status),
                                        run->output)};
  }
  std::vector<Benchmark> benchmarks;
  try {
    for (const auto& entry : nlohmann::json::parse(run->output)) {
      benchmarks.push_back(
          {entry.at("name"), entry.at("family"), entry.at("description"), entry.at("iterations"), entry.at("warmup")});
      for (const auto& file : entry.at("files")) {
        benchmarks.back().files.push_back({file.at("path"), file.at("package")});
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return Error{Exit::bug, fmt::format("{} --list printed no list of benchmarks: {}", program.string(), error.what())};
  }
  return benchmarks;
}

}  // namespace nslab
