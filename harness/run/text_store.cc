// SPDX-License-Identifier: GPL-2.0
#include "text_store.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "condition.h"
#include "files.h"
#include "hash.h"
#include "json.h"
#include "other_run.h"
#include "tsv.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// A change of the files raises it. Format 1, of the time before there were conditions, lacks the column of that name;
// what is older still was never published.
constexpr int kFormat = 2;

constexpr const char* kRunFile = "run.json";
constexpr const char* kBootsFile = "boots.tsv";
constexpr const char* kSamplesFile = "samples.tsv";
constexpr const char* kFunctionsFile = "functions.tsv";  // only where functions were counted

using tsv::Columns;
using tsv::Fields;

constexpr const char* kConditionColumn = "condition";  // the first, but for format 1
const Columns kBootColumns = {"kernel", "seed", "started", "finished", "wall_seconds", "release", "ready_instructions"};
const Columns kSampleColumns = {
    "kernel", "depth",          "benchmark", "seed",   "status", "refusal", "iterations",
    "sum",    "sum_first_half", "minimum",   "median", "p90",    "maximum", "involuntary_switches"};

/// A member of the guest's layout objects, in their order, and whether boots.tsv or samples.tsv has it.
struct LayoutMember {
  std::string name;
  bool in_boots = false;
};
using Layout = std::vector<LayoutMember>;
/// The values of one layout, by member, null where it has no such member; empty where the sample has no layout.
using LayoutValues = std::vector<Json>;

Columns columns_with(Columns columns, const Layout& layout, bool in_boots, int format = kFormat) {
  if (format > 1) columns.insert(columns.begin(), kConditionColumn);
  for (const LayoutMember& member : layout) {
    if (member.in_boots == in_boots) columns.push_back("layout." + member.name);
  }
  return columns;
}

/// "ok" and "refused" as the store has them.
std::string status_name(CellStatus status) { return status == CellStatus::ok ? "ok" : "refused"; }

// ---- From a run to text ----

/// Whether a word of a boot's command line is the run's, with the names of the boot's files.
bool is_word_of(const std::string& word, const std::string& pattern) {
  struct Name {
    std::string_view placeholder;
    std::string_view file;  ///< empty: any, as earlier versions gave the files paths
  };
  static const Name kNames[] = {{"VMLINUX", ""},
                                {"INITRAMFS", ""},
                                {"PLAN", ""},
                                {"FRAMES", ""},
                                {"CONSOLE", ""},
                                {"GUARD", "guard.so"},
                                {"ATTRIBUTION", "attribution.so"},
                                {"SYMBOLS", "symbols"},
                                {"COUNTS", "counts"}};
  std::string named = pattern;
  for (const auto& [placeholder, file] : kNames) {
    const auto at = named.find(placeholder);
    if (at == std::string::npos) continue;
    if (file.empty() && at + placeholder.size() == named.size()) return word.starts_with(named.substr(0, at));
    named.replace(at, placeholder.size(), file);
  }
  return word == named;
}

/// Whether these words, behind a command line, only have a saved guest go on, or one wait until it is in its place.
bool only_start_otherwise(const std::vector<std::string>& words) {
  if (words.size() < 5 || words[0] != "-chardev" || !words[1].starts_with("socket,id=qmp,fd=") || words[2] != "-mon" ||
      words[3] != "chardev=qmp,mode=control")
    return false;
  if (words.size() == 5) return words[4] == "-S";
  return words.size() == 6 && words[4] == "-incoming" && words[5].starts_with("fd:");
}

/// Whether a boot's command line is the manifest's with the boot's own seed and files.
bool is_command_of(const Json& command, const Json& pattern, std::uint64_t seed) {
  if (!command.is_array() || !pattern.is_array() || command.size() < pattern.size()) return false;
  const auto is_text = [](const Json& word) { return word.is_string(); };
  if (!std::all_of(command.begin(), command.end(), is_text) || !std::all_of(pattern.begin(), pattern.end(), is_text))
    return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool is_seed = i > 0 && pattern[i - 1] == "-seed";
    const auto expected = is_seed ? std::to_string(seed) : pattern[i].get<std::string>();
    if (!is_word_of(command[i].get<std::string>(), expected)) return false;
  }
  const std::vector<std::string> rest(command.begin() + static_cast<long>(pattern.size()), command.end());
  return rest.empty() || only_start_otherwise(rest);
}

/// The boot's manifest without the command line, once that is known to say nothing of its own.
Result<std::string> boot_manifest_without_command(const BootRecord& boot, const Json& run_manifest) {
  auto manifest = parse_json(boot.manifest);
  if (!manifest || !manifest->is_object()) {
    return user_error("the boot of {} with seed {} has a manifest that is no JSON object", boot.kernel, boot.seed);
  }
  if (const auto command = manifest->find("command"); command != manifest->end()) {
    const auto pattern = run_manifest.find("qemu_command");
    if (pattern == run_manifest.end() || !is_command_of(*command, *pattern, boot.seed)) {
      return user_error("the boot of {} with seed {} had another QEMU command line than its run's manifest has",
                        boot.kernel, boot.seed);
    }
    manifest->erase("command");
  }
  return to_text(*manifest);
}

/// The run as it comes back from the text form: sorted, without command lines.
Result<StoredRun> normal_form(StoredRun run) {
  const auto manifest = parse_json(run.run.manifest);
  if (!manifest || !manifest->is_object()) return user_error("the run's manifest is no JSON object");
  if (run.boots.empty()) return user_error("run {} has no boots: there is nothing to export", run.run.id);
  run.run.manifest = to_text(*manifest, 2);
  run.run.boots_done = static_cast<int>(run.boots.size());
  std::sort(run.boots.begin(), run.boots.end(), [](const BootRecord& a, const BootRecord& b) {
    return std::tie(a.kernel, a.seed, a.condition) < std::tie(b.kernel, b.seed, b.condition);
  });
  for (BootRecord& boot : run.boots) {
    boot.key.clear();
    boot.manifest = TRY(boot_manifest_without_command(boot, *manifest));
    std::sort(boot.samples.begin(), boot.samples.end(), [](const Sample& a, const Sample& b) {
      return std::tie(a.depth, a.benchmark) < std::tie(b.depth, b.benchmark);
    });
  }
  return run;
}

bool is_layout_value(const Json& value) { return value.is_number_integer() || value.is_string(); }

/// The members of all layouts, of which each sample may lack some. In boots.tsv stand those that no two samples of any
/// boot tell apart. But samples.tsv has one at least that all have, since a sample without a layout is told by the
/// empty fields of its line.
Result<Layout> layout_of(const StoredRun& run) {
  std::vector<std::string> names;
  std::set<std::string> of_samples;
  std::map<std::string, std::size_t> occurrences;
  std::size_t layouts = 0;
  for (const BootRecord& boot : run.boots) {
    std::optional<Json> of_boot;
    for (const Sample& sample : boot.samples) {
      if (sample.layout.empty()) continue;
      const auto object = parse_json(sample.layout);
      const auto refuse = [&](std::string_view why) {
        return user_error("the layout of {} at depth {} on {} with seed {} {}: {}", sample.benchmark, sample.depth,
                          boot.kernel, boot.seed, why, sample.layout);
      };
      if (!object || !object->is_object() || object->empty()) return refuse("is no JSON object with members");
      const bool sorted = layouts++ > 0 && std::is_sorted(names.begin(), names.end());
      for (const auto& [name, value] : object->items()) {
        if (!is_layout_value(value)) return refuse("holds something else than whole numbers and texts");
        if (occurrences[name]++ == 0)
          names.insert(sorted ? std::upper_bound(names.begin(), names.end(), name) : names.end(), name);
        if (of_boot && (!of_boot->contains(name) || (*of_boot)[name] != value)) of_samples.insert(name);
      }
      if (!of_boot) of_boot = *object;
      for (const auto& [name, value] : of_boot->items()) {
        if (!object->contains(name)) of_samples.insert(name);
      }
    }
  }
  const bool all_have_one = std::any_of(of_samples.begin(), of_samples.end(),
                                        [&](const std::string& name) { return occurrences[name] == layouts; });
  Layout layout;
  for (const std::string& name : names) layout.push_back({name, all_have_one && !of_samples.contains(name)});
  return layout;
}

void append_layout(Columns& fields, const std::string& text, const Layout& layout, bool in_boots) {
  const Json object = text.empty() ? Json::object() : parse_json(text).value_or(Json::object());
  for (const LayoutMember& member : layout) {
    if (member.in_boots != in_boots) continue;
    fields.push_back(object.contains(member.name) ? to_text(object[member.name]) : "");
  }
}

/// What makes the figures no good for measurement, above a table of them.
std::string marks_text(const RunRecord& run) {
  std::string text;
  for (const std::string& mark : marks_of(run)) text += tsv::comment(mark);
  return text;
}

std::string samples_text(const StoredRun& run, const Layout& layout) {
  std::string text = marks_text(run.run) + tsv::line(columns_with(kSampleColumns, layout, /*in_boots=*/false));
  for (const Sample& sample : run.samples()) {
    Columns fields = {sample.condition,
                      sample.kernel,
                      std::to_string(sample.depth),
                      sample.benchmark,
                      std::to_string(sample.seed),
                      status_name(sample.status),
                      sample.refusal};
    for (const std::uint64_t figure : {sample.iterations, sample.sum, sample.sum_first_half, sample.minimum,
                                       sample.median, sample.p90, sample.maximum, sample.involuntary_switches}) {
      fields.push_back(std::to_string(figure));
    }
    append_layout(fields, sample.layout, layout, /*in_boots=*/false);
    text += tsv::line(fields);
  }
  return text;
}

std::string boots_text(const StoredRun& run, const Layout& layout) {
  std::string text = marks_text(run.run) + tsv::line(columns_with(kBootColumns, layout, /*in_boots=*/true));
  for (const BootRecord& boot : run.boots) {
    Json manifest = parse_json(boot.manifest).value_or(Json::object());
    Columns fields = {boot.condition, boot.kernel, std::to_string(boot.seed), boot.started, boot.finished,
                      // As few digits as bring the same double back.
                      fmt::format("{}", boot.wall_seconds)};
    const auto release = manifest.find("release");
    fields.push_back(release != manifest.end() && release->is_string() ? release->get<std::string>() : "");
    const auto ready = manifest.find("ready_instructions");
    fields.push_back(ready != manifest.end() ? to_text(*ready) : "");
    const auto with_layout = std::find_if(boot.samples.begin(), boot.samples.end(),
                                          [](const Sample& sample) { return !sample.layout.empty(); });
    append_layout(fields, with_layout == boot.samples.end() ? "" : with_layout->layout, layout, /*in_boots=*/true);
    text += tsv::line(fields);
  }
  return text;
}

Result<std::string> run_text(const StoredRun& stored, const Layout& layout, const RunText& files) {
  const RunRecord& run = stored.run;
  Json json;
  json["format"] = kFormat;
  json["run"] = run.id;
  json["experiment"] = run.experiment;
  json["meter"] = name_of(run.meter);
  json["unit"] = run.unit();
  json["profile"] = run.profile;
  if (!run.measurable) json["measurable"] = false;
  if (const auto marks = marks_of(run); !marks.empty()) json["marks"] = marks;
  json["base"] = run.base;
  json["started"] = run.started;
  json["finished"] = run.finished;
  json["boots_planned"] = run.boots_planned;
  json["boots"] = stored.boots.size();
  std::size_t samples = 0;
  std::map<std::string, std::string> hashes;
  for (const BootRecord& boot : stored.boots) {
    samples += boot.samples.size();
    if (hashes.emplace(boot.kernel, boot.kernel_hash).first->second != boot.kernel_hash) {
      return user_error("the run has two kernels that are named {}", boot.kernel);
    }
  }
  json["samples"] = samples;
  for (const BootFailure& failure : run.failures) {
    json["failures"].push_back({{"kernel", failure.kernel},
                                {"seed", failure.seed},
                                {"condition", failure.condition},
                                {"error", failure.error}});
  }
  json["boots_sha256"] = sha256(files.boots);
  json["samples_sha256"] = sha256(files.samples);
  if (!files.functions.empty()) json["functions_sha256"] = sha256(files.functions);
  json["kernels"] = hashes;
  json["layout"] = Json::object();
  for (const LayoutMember& member : layout) json["layout"][member.name] = member.in_boots ? "boots" : "samples";

  Json manifest = parse_json(run.manifest).value_or(Json::object());
  if (const auto experiment = manifest.find("experiment"); experiment != manifest.end() && experiment->is_string()) {
    const auto text = experiment->get<std::string>();
    Json lines = Json::array();
    for (std::size_t start = 0;;) {
      const std::size_t end = text.find('\n', start);
      lines.push_back(text.substr(start, end - start));
      if (end == std::string::npos) break;
      start = end + 1;
    }
    *experiment = std::move(lines);
  }
  json["manifest"] = std::move(manifest);
  return to_text(json, 2) + "\n";
}

// ---- From text to a run ----

/// The lines of one of the files, of which run.json says how many there are.
Result<std::vector<Fields>> read_lines(std::string_view text, const fs::path& file, const Columns& columns,
                                       std::size_t count) {
  auto lines = TRY(tsv::read_lines(text, file, columns));
  if (lines.size() == count) return lines;
  return user_error("{}:{}: the file ends after {} lines below its head, {} says {}", file.string(),
                    std::count(text.begin(), text.end(), '\n'), lines.size(), kRunFile, count);
}

/// A member of run.json of this type.
template <class Value>
Result<Value> member(const Json& json, const char* name, const fs::path& file) {
  const auto found = json.find(name);
  if (found == json.end()) return user_error("{}: there is no \"{}\"", file.string(), name);
  if constexpr (std::is_same_v<Value, std::string>) {
    if (!found->is_string()) return user_error("{}: \"{}\" is no text", file.string(), name);
  } else if constexpr (std::is_same_v<Value, Json>) {
    if (!found->is_object()) return user_error("{}: \"{}\" is no object", file.string(), name);
  } else {
    if (!found->is_number_unsigned() ||
        found->template get<std::uint64_t>() > std::uint64_t{std::numeric_limits<Value>::max()}) {
      return user_error("{}: \"{}\" is no whole number in range", file.string(), name);
    }
  }
  return found->template get<Value>();
}

/// What run.json says.
struct Head {
  int format = 0;
  RunRecord run;
  std::size_t boots = 0;
  std::size_t samples = 0;
  std::string boots_sha256;
  std::string samples_sha256;
  std::string functions_sha256;                ///< empty: there is no such file
  std::map<std::string, std::string> kernels;  ///< hash by name
  Layout layout;
};

/// A condition's name, as condition_from() knows it.
Result<std::string> condition_named(const std::string& name) {
  const auto condition = TRY(condition_from(name));
  if (name_of(condition) == name) return name;
  return user_error("the condition '{}' is called '{}'", name, name_of(condition));
}

/// The first field of a line, but for format 1.
Result<std::string> parse_condition(Fields& fields, const Head& head) {
  if (head.format == 1) return std::string("quiet");
  auto name = condition_named(fields.text());
  if (!name) return user_error("{}: {}", fields.place(), name.error().message);
  return name;
}

Result<Head> parse_head(const std::string& text, const fs::path& file) {
  const auto json = parse_json(text);
  if (!json)
    return user_error("{}:{}: this is no JSON, or the file ends too early", file.string(), json_error_line(text));
  if (!json->is_object()) return user_error("{}:1: this is no JSON object", file.string());
  Head head;
  head.format = TRY(member<int>(*json, "format", file));
  if (head.format < 1 || head.format > kFormat) {
    return user_error("{} has format {}, this nslab reads the formats 1 to {}: use the nslab that wrote it",
                      file.string(), head.format, kFormat);
  }
  RunRecord& run = head.run;
  run.id = TRY(member<int>(*json, "run", file));
  run.experiment = TRY(member<std::string>(*json, "experiment", file));
  const auto meter = TRY(member<std::string>(*json, "meter", file));
  run.meter = TRY(meter_of_run(run.id, meter, TRY(member<std::string>(*json, "unit", file))));
  run.profile = TRY(member<std::string>(*json, "profile", file));
  run.base = TRY(member<std::string>(*json, "base", file));
  if (const auto measurable = json->find("measurable"); measurable != json->end()) {
    if (!measurable->is_boolean()) return user_error("{}: \"measurable\" is neither true nor false", file.string());
    run.measurable = measurable->get<bool>();
  } else {
    run.measurable = run.profile != "mini" && run.profile != "debug";  // exports of earlier versions do not say it
  }
  run.started = TRY(member<std::string>(*json, "started", file));
  run.finished = TRY(member<std::string>(*json, "finished", file));
  run.boots_planned = TRY(member<int>(*json, "boots_planned", file));
  run.boots_done = TRY(member<int>(*json, "boots", file));
  head.boots = static_cast<std::size_t>(run.boots_done);
  head.samples = static_cast<std::size_t>(TRY(member<int>(*json, "samples", file)));
  head.boots_sha256 = TRY(member<std::string>(*json, "boots_sha256", file));
  head.samples_sha256 = TRY(member<std::string>(*json, "samples_sha256", file));
  if (json->contains("functions_sha256")) {
    head.functions_sha256 = TRY(member<std::string>(*json, "functions_sha256", file));
  }
  if (const auto failures = json->find("failures"); failures != json->end()) {
    if (!failures->is_array()) return user_error("{}: \"failures\" is no list", file.string());
    for (const Json& failure : *failures) {
      if (!failure.is_object()) return user_error("{}: a member of \"failures\" is no object", file.string());
      auto& noted = run.failures.emplace_back();
      noted.kernel = TRY(member<std::string>(failure, "kernel", file));
      noted.seed = TRY(member<std::uint64_t>(failure, "seed", file));
      noted.error = TRY(member<std::string>(failure, "error", file));
      if (head.format > 1) noted.condition = TRY(condition_named(TRY(member<std::string>(failure, "condition", file))));
    }
  }
  const Json kernels = TRY(member<Json>(*json, "kernels", file));
  for (const auto& [name, hash] : kernels.items()) {
    head.kernels[name] = TRY(member<std::string>(kernels, name.c_str(), file));
  }
  const Json layout = TRY(member<Json>(*json, "layout", file));
  for (const auto& [name, where] : layout.items()) {
    if (where != "boots" && where != "samples") {
      return user_error("{}: the layout's \"{}\" is neither in \"boots\" nor in \"samples\"", file.string(), name);
    }
    head.layout.push_back({name, where == "boots"});
  }
  Json manifest = TRY(member<Json>(*json, "manifest", file));
  if (const auto experiment = manifest.find("experiment"); experiment != manifest.end() && experiment->is_array()) {
    std::vector<std::string> lines;
    for (const Json& line : *experiment) {
      if (!line.is_string()) return user_error("{}: a line of the manifest's experiment is no text", file.string());
      lines.push_back(line.get<std::string>());
    }
    *experiment = fmt::format("{}", fmt::join(lines, "\n"));
  }
  if (manifest.contains("experiment")) TRY(member<std::string>(manifest, "experiment", file));
  if (manifest.contains("curves")) TRY(member<Json>(manifest, "curves", file));
  if (manifest.contains("accelerator")) run.accelerator = TRY(member<std::string>(manifest, "accelerator", file));
  const Json built = object_member(manifest, "kernels");
  for (const auto& [name, hash] : head.kernels) {
    const auto kernel = built.find(name);
    if (kernel != built.end() && text_member(*kernel, "hash") != hash) {
      return user_error("{}: the kernel {} has another hash in the manifest", file.string(), name);
    }
  }
  run.manifest = to_text(manifest, 2);
  return head;
}

/// The layout members of one file, in a line's last fields; empty when all of them are.
Result<LayoutValues> parse_layout(Fields& fields, const Layout& layout, bool in_boots) {
  LayoutValues values;
  for (const LayoutMember& member : layout) {
    if (member.in_boots != in_boots) continue;
    const bool missing = fields.next_is_empty();
    const std::string text = fields.text();
    auto value = missing ? std::optional<Json>(Json()) : parse_json(text);
    if (!missing && (!value || !is_layout_value(*value))) {
      return user_error("{}: layout.{} is '{}', expected is a whole number or a text in quotation marks",
                        fields.place(), member.name, text);
    }
    values.push_back(std::move(*value));
  }
  const bool empty = std::all_of(values.begin(), values.end(), [](const Json& value) { return value.is_null(); });
  return empty ? LayoutValues{} : values;
}

Result<BootRecord> parse_boot(Fields& fields, const Head& head) {
  BootRecord boot;
  boot.condition = TRY(parse_condition(fields, head));
  boot.kernel = fields.text();
  const auto hash = head.kernels.find(boot.kernel);
  if (hash == head.kernels.end()) {
    return user_error("{}: {} has no kernel '{}'", fields.place(), kRunFile, boot.kernel);
  }
  boot.kernel_hash = hash->second;
  boot.seed = TRY(fields.number<std::uint64_t>());
  boot.started = fields.text();
  boot.finished = fields.text();
  boot.wall_seconds = TRY(fields.number<double>());
  if (!(boot.wall_seconds >= 0 && boot.wall_seconds <= std::numeric_limits<double>::max())) {
    return user_error("{}: a boot cannot take {} seconds", fields.place(), boot.wall_seconds);
  }
  Json manifest = Json::object();
  if (fields.next_is_empty()) {
    fields.text();
  } else {
    manifest["release"] = fields.text();
  }
  if (fields.next_is_empty()) {
    fields.text();
  } else {
    manifest["ready_instructions"] = TRY(fields.number<std::uint64_t>());
  }
  boot.manifest = to_text(manifest);
  return boot;
}

/// All but the layout.
Result<Sample> parse_sample(Fields& fields, const Head& head) {
  Sample sample;
  sample.condition = TRY(parse_condition(fields, head));
  sample.kernel = fields.text();
  sample.depth = TRY(fields.number<int>());
  sample.benchmark = fields.text();
  sample.seed = TRY(fields.number<std::uint64_t>());
  const std::string status = fields.text();
  if (status != "ok" && status != "refused") {
    return user_error("{}: the status is '{}', expected 'ok' or 'refused'", fields.place(), status);
  }
  sample.status = status == "ok" ? CellStatus::ok : CellStatus::refused;
  sample.refusal = fields.text();
  for (std::uint64_t* figure : {&sample.iterations, &sample.sum, &sample.sum_first_half, &sample.minimum,
                                &sample.median, &sample.p90, &sample.maximum, &sample.involuntary_switches}) {
    *figure = TRY(fields.number<std::uint64_t>());
  }
  return sample;
}

/// All boots of a kernel under one condition have the same cells, each with as many repetitions.
Result<void> check_cells(const StoredRun& stored, const fs::path& file) {
  using Cells = std::map<std::pair<int, std::string>, std::uint64_t>;
  using Kind = std::pair<std::string, std::string>;       // kernel and condition
  std::map<Kind, std::pair<Cells, std::uint64_t>> first;  // its cells, and the seed
  for (const BootRecord& boot : stored.boots) {
    Cells cells;
    for (const Sample& s : boot.samples) cells[{s.depth, s.benchmark}] = s.iterations;
    const auto& [expected, seed] =
        first.emplace(Kind(boot.kernel, boot.condition), std::pair(cells, boot.seed)).first->second;
    if (cells == expected) continue;
    return user_error("{}: the boots of {} with the seeds {} and {} have other cells, or other repetitions of one",
                      file.string(), boot.kernel, seed, boot.seed);
  }
  return {};
}

/// What differences are made of belongs to cells of this run, and adds up to what their samples say.
Result<void> check_explanations(const StoredRun& stored, const fs::path& file) {
  if (stored.explanations.empty()) return {};
  using CellName = std::tuple<std::string, std::string, int, std::string>;
  std::map<CellName, std::map<std::uint64_t, double>> means;  // by seed
  for (const BootRecord& boot : stored.boots) {
    for (const Sample& s : boot.samples) {
      if (s.iterations == 0) continue;
      means[{s.condition, s.kernel, s.depth, s.benchmark}][s.seed] =
          static_cast<double>(s.sum) / static_cast<double>(s.iterations);
    }
  }
  using Difference = std::tuple<std::string, std::string, std::string, int, std::string, int>;
  std::set<Difference> seen;
  Difference last;
  for (const Explanation& e : stored.explanations) {
    const Difference difference(e.condition, e.benchmark, e.kernel, e.depth, e.baseline, e.baseline_depth);
    const bool is_whole = e.function.empty() && e.part == kPartAll;
    const auto wrong = [&](std::string_view what) {
      return user_error("{}: {} of {} at depth {} against {} at depth {}: {}", file.string(), e.benchmark, e.kernel,
                        e.depth, e.baseline, e.baseline_depth, what);
    };
    if (!is_whole) {
      if (difference != last) return wrong("the line of the whole is missing");
      continue;
    }
    if (!seen.insert(difference).second) return wrong("it is there twice");
    last = difference;
    const auto& b = means[{e.condition, e.kernel, e.depth, e.benchmark}];
    const auto& a = means[{e.condition, e.baseline, e.baseline_depth, e.benchmark}];
    double sum_a = 0;
    double sum_b = 0;
    int pairs = 0;
    for (const auto& [seed, value] : a) {
      const auto other = b.find(seed);
      if (other == b.end()) continue;
      sum_a += value;
      sum_b += other->second;
      ++pairs;
    }
    if (pairs == 0) return wrong("the run has no such cells");
    const auto is = [&](double sum, double said) {
      return std::abs(sum / pairs - said) <= 1e-6 * (1 + std::abs(said));
    };
    if (!is(sum_a, e.a) || !is(sum_b, e.b)) return wrong("the samples have other means");
  }
  return {};
}

}  // namespace

Result<StoredRun> parse_run(const RunText& files, const fs::path& folder) {
  const Head head = TRY(parse_head(files.run, folder / kRunFile));
  StoredRun stored;
  stored.run = head.run;

  using BootKey = std::tuple<std::string, std::uint64_t, std::string>;  // kernel, seed, condition
  std::map<BootKey, std::size_t> boots;
  std::vector<LayoutValues> boot_layouts;
  const Columns boot_columns = columns_with(kBootColumns, head.layout, /*in_boots=*/true, head.format);
  for (Fields& fields : TRY(read_lines(files.boots, folder / kBootsFile, boot_columns, head.boots))) {
    BootRecord boot = TRY(parse_boot(fields, head));
    if (!boots.emplace(BootKey(boot.kernel, boot.seed, boot.condition), stored.boots.size()).second) {
      return user_error("{}: a second boot of {} with seed {}", fields.place(), boot.kernel, boot.seed);
    }
    boot_layouts.push_back(TRY(parse_layout(fields, head.layout, /*in_boots=*/true)));
    stored.boots.push_back(std::move(boot));
  }

  std::set<std::tuple<std::size_t, int, std::string>> cells;
  const Columns sample_columns = columns_with(kSampleColumns, head.layout, /*in_boots=*/false, head.format);
  for (Fields& fields : TRY(read_lines(files.samples, folder / kSamplesFile, sample_columns, head.samples))) {
    Sample sample = TRY(parse_sample(fields, head));
    const auto boot = boots.find({sample.kernel, sample.seed, sample.condition});
    if (boot == boots.end()) {
      return user_error("{}: {} has no boot of {} with seed {}", fields.place(), kBootsFile, sample.kernel,
                        sample.seed);
    }
    if (!cells.emplace(boot->second, sample.depth, sample.benchmark).second) {
      return user_error("{}: a second sample of {} at depth {} on {} with seed {}", fields.place(), sample.benchmark,
                        sample.depth, sample.kernel, sample.seed);
    }
    const LayoutValues own = TRY(parse_layout(fields, head.layout, /*in_boots=*/false));
    if (!own.empty()) {
      const LayoutValues& shared = boot_layouts[boot->second];
      Json layout = Json::object();
      std::size_t of_boot = 0;
      std::size_t of_sample = 0;
      for (const LayoutMember& member : head.layout) {
        if (member.in_boots && shared.empty()) {
          return user_error("{}: the sample has a layout, its boot in {} has none", fields.place(), kBootsFile);
        }
        const Json& value = member.in_boots ? shared[of_boot++] : own[of_sample++];
        if (!value.is_null()) layout[member.name] = value;
      }
      sample.layout = to_text(layout);
    }
    if (const auto why = impossible(sample); !why.empty()) {
      return user_error("{}: the sample of {} at depth {} on {} with seed {} {}", fields.place(), sample.benchmark,
                        sample.depth, sample.kernel, sample.seed, why);
    }
    stored.boots[boot->second].samples.push_back(std::move(sample));
  }
  // Last, as what is wrong in a line is better told by its number. Several files cannot be replaced at once: without
  // this check, an interrupted export over an older run would show the samples of one under the head of the other.
  if (!head.functions_sha256.empty()) {
    stored.explanations = TRY(parse_explanations(files.functions, folder / kFunctionsFile));
  }
  for (const auto& [name, text, hash] : {std::tuple(kBootsFile, &files.boots, &head.boots_sha256),
                                         std::tuple(kSamplesFile, &files.samples, &head.samples_sha256),
                                         std::tuple(kFunctionsFile, &files.functions, &head.functions_sha256)}) {
    const bool same = hash->empty() ? text->empty() : sha256(*text) == *hash;
    if (!same) {
      return user_error(
          "{} is not the file that {} was written with: an export was interrupted, or the file was changed by hand. "
          "Export the run again",
          (folder / name).string(), kRunFile);
    }
  }
  TRY(check_cells(stored, folder / kSamplesFile));
  TRY(check_explanations(stored, folder / kFunctionsFile));
  return normal_form(std::move(stored));
}

std::vector<Sample> StoredRun::samples() const {
  std::vector<Sample> all;
  for (const BootRecord& boot : boots) all.insert(all.end(), boot.samples.begin(), boot.samples.end());
  std::sort(all.begin(), all.end(), [](const Sample& a, const Sample& b) {
    return std::tie(a.condition, a.kernel, a.depth, a.benchmark, a.seed) <
           std::tie(b.condition, b.kernel, b.depth, b.benchmark, b.seed);
  });
  return all;
}

Result<RunText> text_of_run(const StoredRun& run) {
  const StoredRun normal = TRY(normal_form(run));
  const Layout layout = TRY(layout_of(normal));
  RunText files;
  files.boots = boots_text(normal, layout);
  files.samples = samples_text(normal, layout);
  if (!normal.explanations.empty()) files.functions = explanations_text(normal.explanations);
  files.run = TRY(run_text(normal, layout, files));
  // What is committed must be what was measured: a name with a tab, or a manifest with more than this form keeps, does
  // not come back.
  const auto back = parse_run(files, "");
  if (!back) return user_error("this run cannot be written as text: {}", back.error().message);
  if (*back != normal) return user_error("this run cannot be written as text: it does not come back as it was");
  return files;
}

Result<void> write_text_run(const StoredRun& run, const fs::path& folder) {
  // A store would be read in place of the text.
  if (const auto other = other_run_in(folder, run.run); other && !other->same_experiment) {
    return user_error("{} has {}: name another folder, or remove it", folder.string(), other->what);
  }
  const RunText files = TRY(text_of_run(run));
  TRY(make_folders(folder));
  TRY(write_file(folder / kSamplesFile, files.samples));
  TRY(write_file(folder / kBootsFile, files.boots));
  if (!files.functions.empty()) {
    TRY(write_file(folder / kFunctionsFile, files.functions));
  } else if (std::error_code error; !fs::remove(folder / kFunctionsFile, error) && error) {
    return machine_error("cannot remove {}, which is of an earlier export: {}", (folder / kFunctionsFile).string(),
                         error.message());
  }
  return write_file(folder / kRunFile, files.run);
}

Result<StoredRun> read_text_run(const fs::path& folder) {
  RunText files;
  files.run = TRY(read_file(folder / kRunFile));
  files.boots = TRY(read_file(folder / kBootsFile));
  files.samples = TRY(read_file(folder / kSamplesFile));
  if (is_there(folder / kFunctionsFile)) files.functions = TRY(read_file(folder / kFunctionsFile));
  return parse_run(files, folder);
}

bool is_text_run(const fs::path& folder) { return !is_there(folder / "nslab.sqlite") && is_there(folder / kRunFile); }

Result<StoredRun> load_stored_run(const fs::path& folder, std::optional<std::int64_t> id) {
  if (is_text_run(folder)) {
    StoredRun stored = TRY(read_text_run(folder));
    if (id && *id != stored.run.id) {
      return user_error("there is no run {} in {}, which has run {} alone", *id, folder.string(), stored.run.id);
    }
    return stored;
  }
  auto store = TRY(Store::open_existing(folder.string()));
  StoredRun stored;
  stored.run = TRY(store.run(id));
  stored.boots = TRY(store.boots(stored.run.id));
  stored.explanations = TRY(store.explanations(stored.run.id));
  return stored;
}

}  // namespace nslab
