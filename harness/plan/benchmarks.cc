// SPDX-License-Identifier: GPL-2.0
#include "benchmarks.h"

#include <algorithm>

#include "processes.h"
#include "text.h"

namespace nslab {

namespace {

CurvePoint point_of(const Json& json) { return {json.at("series"), json.at("quantity"), json.at("value")}; }

}  // namespace

const char* worker_of(Meter meter) { return meter == Meter::time ? "micro-time" : "micro"; }

Result<std::vector<Benchmark>> list_benchmarks(const std::filesystem::path& program) {
  const auto run = TRY(run_captured({.argv = {program.string(), "--list"}}));
  if (run.status != 0) {
    return Error{Exit::bug, fmt::format("{} --list ended with {}:\n{}", program.string(), describe_status(run.status),
                                        run.output)};
  }
  std::vector<Benchmark> benchmarks;
  const auto list = parse_json(run.output);
  if (!list) return Error{Exit::bug, fmt::format("{} --list printed no JSON:\n{}", program.string(), run.output)};
  try {
    for (const auto& entry : *list) {
      Benchmark benchmark;
      benchmark.name = entry.at("name");
      benchmark.family = entry.at("family");
      benchmark.description = entry.at("description");
      benchmark.iterations = entry.at("iterations");
      benchmark.warmup = entry.at("warmup");
      benchmark.memory_mib = entry.at("memory_mib");
      benchmark.vcpus = entry.value("vcpus", 0);
      if (entry.contains("point")) benchmark.point = point_of(entry["point"]);
      for (const auto& file : entry.at("files")) benchmark.files.push_back({file.at("path"), file.at("package")});
      benchmarks.push_back(std::move(benchmark));
    }
  } catch (const Json::exception& error) {
    return Error{Exit::bug, fmt::format("{} --list printed no list of benchmarks: {}", program.string(), error.what())};
  }
  return benchmarks;
}

Result<std::vector<Benchmark>> list_benchmarks(const std::filesystem::path& guest, Meter meter) {
  auto benchmarks = TRY(list_benchmarks(guest / worker_of(meter)));
  if (meter == Meter::time) return benchmarks;
  for (Benchmark& benchmark : TRY(list_benchmarks(guest / worker_of(Meter::time)))) {
    if (benchmark.needs_time()) benchmarks.push_back(std::move(benchmark));
  }
  std::sort(benchmarks.begin(), benchmarks.end(),
            [](const Benchmark& a, const Benchmark& b) { return a.name < b.name; });
  return benchmarks;
}

Result<const Benchmark*> find_benchmark(const std::vector<Benchmark>& known, const std::string& name) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const Benchmark& b) { return b.name == name; });
  if (found != known.end()) return &*found;
  std::vector<std::string> names;
  for (const Benchmark& benchmark : known) names.push_back(benchmark.name);
  return user_error("{}", unknown_name("benchmark", name, names, "nslab bench list"));
}

Json curves_of(const std::vector<Benchmark>& benchmarks) {
  auto curves = Json::object();
  for (const Benchmark& benchmark : benchmarks) {
    if (!benchmark.point) continue;
    curves[benchmark.name] = {{"series", benchmark.point->series},
                              {"quantity", benchmark.point->quantity},
                              {"value", benchmark.point->value}};
  }
  return curves;
}

std::map<std::string, CurvePoint> curves_in(std::string_view manifest) {
  std::map<std::string, CurvePoint> curves;
  const auto json = parse_json(manifest);
  if (!json) return curves;
  const Json points = object_member(*json, "curves");
  for (const auto& [benchmark, point] : points.items()) {
    const auto value = point.is_object() ? point.find("value") : point.end();
    const std::string series = text_member(point, "series");
    const std::string quantity = text_member(point, "quantity");
    if (series.empty() || quantity.empty() || value == point.end() || !value->is_number_unsigned()) continue;
    curves[benchmark] = {series, quantity, value->get<std::uint64_t>()};
  }
  return curves;
}

}  // namespace nslab
