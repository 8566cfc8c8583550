// SPDX-License-Identifier: GPL-2.0
#include "experiment.h"

#include <algorithm>
#include <set>

#include "files.h"
#include "json.h"
#include "toml_reader.h"

namespace nslab {

namespace {

constexpr int kMaxDepth = 32;  // mainline's MAX_PID_NS_LEVEL
constexpr std::size_t kLongestName = 100;

template <class T>
bool has_duplicates(const std::vector<T>& values) {
  return std::set<T>(values.begin(), values.end()).size() != values.size();
}

Result<Measure> read_measure(const toml::table& table, const std::string& file_name) {
  Measure measure;
  measure.where = fmt::format("{}:{}", file_name, table.source().begin.line);
  TomlReader reader(table, file_name);
  reader.read("kernels", measure.kernels);
  reader.read("depths", measure.depths, 0, kMaxDepth);
  reader.read("benchmarks", measure.benchmarks);
  reader.read("repetitions", measure.repetitions, 1, kMostRepetitions);
  TRY(reader.finish());  // an unknown key is often a known one that was misspelt
  if (measure.kernels.empty()) reader.reject("kernels", "'kernels' names no kernel");
  if (measure.depths.empty()) reader.reject("depths", "'depths' holds no depth");
  if (measure.benchmarks.empty()) reader.reject("benchmarks", "'benchmarks' names no benchmark");
  if (has_duplicates(measure.kernels)) reader.reject("kernels", "'kernels' names a kernel twice");
  if (has_duplicates(measure.depths)) reader.reject("depths", "'depths' holds a depth twice");
  if (has_duplicates(measure.benchmarks)) reader.reject("benchmarks", "'benchmarks' names a benchmark twice");
  TRY(reader.finish());
  return measure;
}

}  // namespace

std::vector<std::string> Experiment::kernels() const {
  std::vector<std::string> names;
  for (const Measure& measure : measures) {
    for (const std::string& kernel : measure.kernels) {
      if (std::find(names.begin(), names.end(), kernel) == names.end()) names.push_back(kernel);
    }
  }
  return names;
}

std::string Experiment::where_named(const std::string& kernel) const {
  const auto measure = std::find_if(measures.begin(), measures.end(), [&](const Measure& m) {
    return std::find(m.kernels.begin(), m.kernels.end(), kernel) != m.kernels.end();
  });
  return measure == measures.end() ? "" : measure->where;
}

Result<Experiment> parse_experiment(std::string_view text, const std::string& file_name) {
  const auto table = TRY(parse_toml(text, file_name));

  Experiment experiment;
  experiment.text = text;
  std::string meter = name_of(experiment.meter);
  TomlReader reader(table, file_name);
  reader.read("name", experiment.name, /*required=*/true);
  reader.read("meter", meter);
  reader.read("base", experiment.base);
  reader.read("profile", experiment.profile);
  reader.read("boots", experiment.boots, 1, 10'000);
  reader.read("first_seed", experiment.first_seed, 1, 1'000'000'000);
  reader.read("pid_max", experiment.pid_max, 1024, 4 * 1024 * 1024);
  reader.read("memory_mib", experiment.memory_mib, 128, 65'536);
  reader.read("limit_seconds", experiment.limit_seconds, 2, 3600);
  reader.read("wall_limit_seconds", experiment.wall_limit_seconds, 1, 86'400);
  reader.read("reference", experiment.reference);
  reader.read("statistic", experiment.statistic);
  reader.read("margin_percent", experiment.margin_percent, 0.001, 100);
  reader.read("attribution", experiment.attribution);
  reader.read("memory_accesses", experiment.memory_accesses);
  std::string isolation = "none";
  reader.read("isolation", isolation);
  experiment.base_where = reader.where("base");
  experiment.profile_where = reader.where("profile");
  const auto measures = reader.tables("measure");

  const bool plain_name =
      !experiment.name.empty() && experiment.name.size() <= kLongestName &&
      experiment.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (!plain_name)
    reader.reject(
        "name",
        fmt::format("'name' must be lower-case letters, digits, - and _, at most {}: it names a folder", kLongestName));
  if (const auto known = meter_from(meter)) {
    experiment.meter = *known;
  } else {
    std::vector<std::string> names;
    for (const MeterProperties& m : all_meters()) names.push_back(fmt::format("\"{}\"", m.name));
    reader.reject("meter", fmt::format("'meter' is '{}', it must be {}", meter, fmt::join(names, " or ")));
  }
  if (experiment.statistic != "mean" && experiment.statistic != "minimum" && experiment.statistic != "median") {
    reader.reject("statistic", fmt::format("'statistic' is '{}', it must be \"mean\", \"minimum\" or \"median\"",
                                           experiment.statistic));
  }
  if (experiment.limit_seconds % 2 != 0) {
    reader.reject("limit_seconds", "'limit_seconds' must be even: the watchdog counts in steps of 2 s");
  }
  experiment.isolated = isolation == "boot";
  if (isolation != "boot" && isolation != "none") {
    reader.reject("isolation", fmt::format("'isolation' is '{}', it must be \"none\" or \"boot\"", isolation));
  }
  if (experiment.isolated && experiment.meter != Meter::instructions) {
    reader.reject("isolation", "'isolation' needs the saved state of a guest, which meter = \"instructions\" has");
  }
  if (experiment.attribution && experiment.meter != Meter::instructions) {
    reader.reject("attribution", "'attribution' counts instructions: it needs meter = \"instructions\"");
  }
  if (experiment.memory_accesses && !experiment.attribution) {
    reader.reject("memory_accesses", "'memory_accesses' needs attribution = true");
  }
  if (measures.empty()) reader.reject("measure", "there is no [[measure]] table: nothing would be measured");
  TRY(reader.finish());

  for (const toml::table* entry : measures) {
    auto measure = TRY(read_measure(*entry, file_name));
    experiment.measures.push_back(std::move(measure));
  }
  const auto kernels = experiment.kernels();
  if (!experiment.reference.empty() &&
      std::find(kernels.begin(), kernels.end(), experiment.reference) == kernels.end()) {
    return user_error("{}: 'reference' is '{}', which no [[measure]] names", reader.where("reference"),
                      experiment.reference);
  }
  return experiment;
}

Result<Experiment> load_experiment(const std::filesystem::path& file) {
  const auto text = TRY(read_file(file));
  return parse_experiment(text, file.string());
}

Result<Experiment> experiment_of(const RunRecord& run) {
  const auto manifest = parse_json(run.manifest);
  return parse_experiment(manifest ? text_member(*manifest, "experiment") : "", run.experiment);
}

}  // namespace nslab
