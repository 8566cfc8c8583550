// SPDX-License-Identifier: GPL-2.0
#include "experiment.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "build_name.h"
#include "files.h"
#include "json.h"
#include "toml_reader.h"

namespace nslab {

namespace {

constexpr int kMaxDepth = 32;  // mainline's MAX_PID_NS_LEVEL
constexpr std::size_t kLongestName = 100;
constexpr int kMostBuilds = 50;

template <class T>
bool has_duplicates(const std::vector<T>& values) {
  return std::set<T>(values.begin(), values.end()).size() != values.size();
}

/// Adds those values that are not there yet.
template <class T>
void append_new(std::vector<T>& all, const std::vector<T>& values) {
  for (const T& value : values) {
    if (std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
  }
}

/// The keys of conditions: a list of names, or the parts of one condition. Untouched where the table has none of them.
Result<void> read_conditions(TomlReader& reader, const toml::table& table, std::vector<Condition>& conditions) {
  std::vector<std::string> names;
  reader.read("conditions", names);
  std::string ids = "fresh";
  int ids_next = kAgedIdsNext;
  Condition parts;
  std::string cgroup = "root";
  reader.read("ids", ids);
  reader.read("ids_next", ids_next, kLeastIdsNext, kMostIdsNext);
  reader.read("residents", parts.residents, 0, kMostResidents);
  reader.read("cgroup", cgroup);
  TRY(reader.finish_so_far());
  if (ids != "fresh" && ids != "aged") {
    reader.reject("ids", fmt::format("'ids' is '{}', it must be \"fresh\" or \"aged\"", ids));
  }
  if (cgroup != "root" && cgroup != "container") {
    reader.reject("cgroup", fmt::format("'cgroup' is '{}', it must be \"root\" or \"container\"", cgroup));
  }
  if (table.contains("ids_next") && ids != "aged") reader.reject("ids_next", "'ids_next' needs ids = \"aged\"");
  parts.ids_next = ids == "aged" ? ids_next : 0;
  parts.container = cgroup == "container";
  const bool has_parts = table.contains("ids") || table.contains("residents") || table.contains("cgroup");
  if (has_parts && table.contains("conditions")) {
    reader.reject("conditions",
                  "'conditions' names whole conditions: it does not go with 'ids', 'residents', 'cgroup'");
  }
  if (table.contains("conditions") && names.empty()) reader.reject("conditions", "'conditions' names no condition");
  std::vector<Condition> named;
  for (const std::string& name : names) {
    const auto condition = condition_from(name);
    if (!condition) {
      reader.reject("conditions", condition.error().message);
      break;
    }
    named.push_back(*condition);
  }
  if (has_duplicates(named)) reader.reject("conditions", "'conditions' names a condition twice");
  if (has_parts) conditions = {parts};
  if (!named.empty()) conditions = named;
  return reader.finish_so_far();
}

/// What a condition needs of the experiment.
Result<void> check_condition(const Experiment& experiment, const Measure& measure, const Condition& condition) {
  if (condition.ids_next == 0) return {};
  if (!experiment.isolated && experiment.meter == Meter::instructions) {
    return user_error(
        "{}: the condition '{}' moves ids that do not come back: it needs isolation = \"boot\", a guest for each cell",
        measure.where, name_of(condition));
  }
  constexpr int kRoom = 1024;  // for the seed's part, and for the benchmark's processes
  if (experiment.pid_max_of(condition) < condition.ids_next + kRoom) {
    return user_error("{}: the condition '{}' needs a pid_max of {} or more, the experiment has {}", measure.where,
                      name_of(condition), condition.ids_next + kRoom, experiment.pid_max);
  }
  return {};
}

Result<Measure> read_measure(const toml::table& table, const std::string& file_name,
                             const std::vector<Condition>& conditions) {
  Measure measure;
  measure.conditions = conditions;
  measure.where = fmt::format("{}:{}", file_name, table.source().begin.line);
  TomlReader reader(table, file_name);
  reader.read("kernels", measure.kernels);
  reader.read("depths", measure.depths, 0, kMaxDepth);
  reader.read("benchmarks", measure.benchmarks);
  reader.read("repetitions", measure.repetitions, 1, kMostRepetitions);
  TRY(read_conditions(reader, table, measure.conditions));
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

/// The names of all builds of a table's kernels.
Result<std::vector<std::string>> all_builds(const Experiment& experiment, const Measure& measure) {
  std::vector<std::string> names;
  for (const std::string& kernel : measure.kernels) {
    if (kernel.find(':') != std::string::npos || kernel_and_build(kernel).second != 0) {
      return user_error("{}: 'builds' makes several builds of a model, and '{}' is none", measure.where, kernel);
    }
    for (int build = 0; build < experiment.builds; ++build) names.push_back(name_of_build(kernel, build));
  }
  return names;
}

}  // namespace

std::vector<std::string> Experiment::kernels() const {
  std::vector<std::string> names;
  for (const Measure& measure : measures) append_new(names, measure.kernels);
  return names;
}

std::vector<Condition> Experiment::conditions() const {
  std::vector<Condition> all;
  for (const Measure& measure : measures) append_new(all, measure.conditions);
  return all;
}

int Experiment::pid_max_of(const Condition& condition) const {
  if (pid_max != 0) return pid_max;
  return condition.ids_next > 0 ? kAgedPidMax : kFreshPidMax;
}

std::string Experiment::where_named(const std::string& kernel) const {
  const auto measure = std::find_if(measures.begin(), measures.end(), [&](const Measure& m) {
    return std::find(m.kernels.begin(), m.kernels.end(), kernel) != m.kernels.end();
  });
  return measure == measures.end() ? "" : measure->where;
}

std::vector<std::pair<std::string, Condition>> kernels_under_conditions(const Experiment& experiment) {
  std::vector<std::pair<std::string, Condition>> all;
  for (const Condition& condition : experiment.conditions()) {
    for (const std::string& kernel : experiment.kernels()) {
      const bool measured = std::any_of(experiment.measures.begin(), experiment.measures.end(), [&](const Measure& m) {
        return std::find(m.kernels.begin(), m.kernels.end(), kernel) != m.kernels.end() &&
               std::find(m.conditions.begin(), m.conditions.end(), condition) != m.conditions.end();
      });
      if (measured) all.emplace_back(kernel, condition);
    }
  }
  return all;
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
  reader.read("builds", experiment.builds, 1, kMostBuilds);
  reader.read("pid_max", experiment.pid_max, 1024, 4 * 1024 * 1024);
  reader.read("memory_mib", experiment.memory_mib, 128, 65'536);
  reader.read("vcpus", experiment.vcpus, 1, kMostVcpus);
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
  std::vector<Condition> conditions = {kQuiet};
  TRY(read_conditions(reader, table, conditions));

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
  if (experiment.builds > 1 && !properties_of(experiment.meter).depends_on_host) {
    reader.reject(
        "builds",
        "'builds' is for meter = \"time\": where code lies does not change how many instructions it executes");
  }
  if (experiment.attribution && experiment.meter != Meter::instructions) {
    reader.reject("attribution", "'attribution' counts instructions: it needs meter = \"instructions\"");
  }
  if (experiment.vcpus > 1 && experiment.meter != Meter::time) {
    reader.reject("vcpus", fmt::format("'vcpus' above 1 needs meter = \"time\": {}", kOneVcpu));
  }
  if (experiment.memory_accesses && !experiment.attribution) {
    reader.reject("memory_accesses", "'memory_accesses' needs attribution = true");
  }
  if (measures.empty()) reader.reject("measure", "there is no [[measure]] table: nothing would be measured");
  TRY(reader.finish());

  for (const toml::table* entry : measures) {
    auto measure = TRY(read_measure(*entry, file_name, conditions));
    for (const Condition& condition : measure.conditions) TRY(check_condition(experiment, measure, condition));
    experiment.measures.push_back(std::move(measure));
  }
  if (experiment.builds > 1) {
    for (Measure& measure : experiment.measures) measure.kernels = TRY(all_builds(experiment, measure));
  }
  const auto kernels = experiment.kernels();
  if (!experiment.reference.empty() &&
      std::find(kernels.begin(), kernels.end(), experiment.reference) == kernels.end()) {
    return user_error("{}: 'reference' is '{}', which no [[measure]] names", reader.where("reference"),
                      experiment.reference);
  }
  return experiment;
}

Result<Experiment> load_experiment(const std::filesystem::path& file, const std::vector<std::string>& kernels) {
  const auto text = TRY(read_file(file));
  auto experiment = TRY(parse_experiment(text, file.string()));
  if (kernels.empty()) return experiment;
  auto table = TRY(parse_toml(text, file.string()));
  toml::array names;
  for (const std::string& name : kernels) names.push_back(name);
  for (toml::node& measure : *table.get_as<toml::array>("measure"))
    measure.as_table()->insert_or_assign("kernels", names);
  const auto& reference = experiment.reference;
  if (!reference.empty() && std::find(kernels.begin(), kernels.end(), reference) == kernels.end())
    table.insert_or_assign("reference", kernels.front());
  std::ostringstream changed;
  changed << table << "\n";
  return parse_experiment(changed.str(), fmt::format("{} with other kernels", file.string()));
}

Result<Experiment> experiment_of(const RunRecord& run) {
  const auto manifest = parse_json(run.manifest);
  return parse_experiment(manifest ? text_member(*manifest, "experiment") : "", run.experiment);
}

}  // namespace nslab
