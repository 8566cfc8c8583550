// SPDX-License-Identifier: GPL-2.0
#include "merge.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "experiment.h"
#include "json.h"

namespace nslab {

namespace {

/// What must be the same in all parts, by what it is called.
std::vector<std::pair<std::string, std::string>> fingerprint(const RunRecord& run) {
  const Json manifest = parse_json(run.manifest).value_or(Json::object());
  const auto member = [&](const char* name) {
    return manifest.is_object() && manifest.contains(name) ? to_text(manifest[name]) : "unknown";
  };
  std::vector<std::pair<std::string, std::string>> parts = {
      {"experiment", run.experiment},
      {"meter", name_of(run.meter)},
      {"base", run.base},
      {"profile", run.profile},
      {"whether its figures count", run.measurable ? "yes" : "no"},
      {"accelerator", run.accelerator},
      {"QEMU", member("qemu")},
      {"QEMU's program or firmware", member("qemu_fingerprint")},
      {"QEMU's command line", member("qemu_command")},
      {"guest (initramfs)", member("initramfs_sha256")},
  };
  const Json kernels = object_member(manifest, "kernels");
  for (const auto& [name, kernel] : kernels.items()) {
    Json made_of = kernel;
    // How long the build took, and of how many files, is of the machine, and the sizes are not measured.
    if (made_of.is_object()) {
      for (const char* member : {"build_seconds", "objects", "sizes_sha256"}) made_of.erase(member);
    }
    parts.emplace_back("the kernel " + name, to_text(made_of));
  }
  if (properties_of(run.meter).depends_on_host) {
    for (const char* of_host : {"host", "host_identity", "placement"}) {
      const Json facts = object_member(manifest, of_host);
      for (const auto& [name, value] : facts.items())
        parts.emplace_back(fmt::format("the host ({})", name),
                           value.is_string() ? value.get<std::string>() : to_text(value));
    }
  }
  const auto experiment = experiment_of(run);
  if (!experiment) {
    parts.emplace_back("experiment's text", member("experiment"));
    return parts;
  }
  parts.emplace_back("memory_mib", std::to_string(experiment->memory_mib));
  parts.emplace_back("limit_seconds", std::to_string(experiment->limit_seconds));
  parts.emplace_back("isolation", experiment->isolated ? "boot" : "none");
  std::string measures;
  for (const Measure& measure : experiment->measures) {
    measures += fmt::format("kernels {} depths {} benchmarks {}", fmt::join(measure.kernels, " "),
                            fmt::join(measure.depths, " "), fmt::join(measure.benchmarks, " "));
    for (const Condition& condition : measure.conditions) {
      measures += fmt::format(" {} with pid_max {}", name_of(condition), experiment->pid_max_of(condition));
    }
    if (measure.repetitions != 0) measures += fmt::format(" repetitions {}", measure.repetitions);
    measures += "; ";
  }
  parts.emplace_back("cells", measures);
  parts.emplace_back("reference", experiment->reference);
  parts.emplace_back("statistic", experiment->statistic);
  parts.emplace_back("margin_percent", fmt::format("{}", experiment->margin_percent));
  return parts;
}

Result<void> check_fit(const MergePart& first, const MergePart& other) {
  // By name; a host may have facts that the other lacks.
  std::map<std::string, std::pair<std::string, std::string>> facts;
  for (const auto& [name, value] : fingerprint(first.stored.run)) facts.try_emplace(name, value, "none");
  for (const auto& [name, value] : fingerprint(other.stored.run))
    facts.try_emplace(name, "none", value).first->second.second = value;
  for (const auto& [name, values] : facts) {
    if (values.first == values.second) continue;
    return user_error("{} and {} do not fit: {} is {} and {}", first.place, other.place, name, values.first,
                      values.second);
  }
  return {};
}

/// Where two boots of one kernel, seed and condition differ; empty when they do not.
std::string difference(const BootRecord& one, const BootRecord& other) {
  if (one.samples.size() != other.samples.size()) {
    return fmt::format("{} samples and {}", one.samples.size(), other.samples.size());
  }
  for (std::size_t i = 0; i < one.samples.size(); ++i) {
    const Sample& a = one.samples[i];
    const Sample& b = other.samples[i];
    if (a == b) continue;
    if (a.sum != b.sum) return fmt::format("{} at depth {}: the sum is {} and {}", a.benchmark, a.depth, a.sum, b.sum);
    return fmt::format("{} at depth {}, in something else than the sum", a.benchmark, a.depth);
  }
  return "";
}

}  // namespace

Result<StoredRun> merge_runs(const std::vector<MergePart>& parts) {
  if (parts.empty()) return user_error("there are no runs to join");
  StoredRun joined;
  joined.run = parts.front().stored.run;
  joined.run.failures.clear();
  joined.run.finished.clear();
  std::map<std::string, std::pair<std::string, const MergePart*>> hashes;  // by kernel
  using BootName = std::tuple<std::string, std::uint64_t, std::string>;    // kernel, seed and condition
  std::map<BootName, std::pair<const BootRecord*, const MergePart*>> boots;
  std::set<BootName> planned;
  for (const MergePart& part : parts) {
    TRY(check_fit(parts.front(), part));
    joined.run.started = std::min(joined.run.started, part.stored.run.started);
    if (const auto experiment = experiment_of(part.stored.run)) {
      for (const auto& [kernel, condition] : kernels_under_conditions(*experiment)) {
        for (std::uint64_t i = 0; i < experiment->boots; ++i) {
          planned.emplace(kernel, experiment->first_seed + i, name_of(condition));
        }
      }
    }
    for (const BootRecord& boot : part.stored.boots) {
      planned.emplace(boot.kernel, boot.seed, boot.condition);
      const auto& [hash, where] = hashes.emplace(boot.kernel, std::pair(boot.kernel_hash, &part)).first->second;
      if (hash != boot.kernel_hash) {
        return user_error("{} and {} do not fit: the kernel {} is {:.16} and {:.16}", where->place, part.place,
                          boot.kernel, hash, boot.kernel_hash);
      }
      const auto [place, fresh] =
          boots.emplace(BootName(boot.kernel, boot.seed, boot.condition), std::pair(&boot, &part));
      if (fresh) {
        joined.boots.push_back(boot);
        joined.run.finished = std::max(joined.run.finished, boot.finished);
        continue;
      }
      if (const auto what = difference(*place->second.first, boot); !what.empty()) {
        return negative_result(
            "{} and {} have the same boot with different samples, and one of them must be wrong: {}, seed {}, {}",
            place->second.second->place, part.place, boot.kernel, boot.seed, what);
      }
    }
  }
  for (const MergePart& part : parts) {
    for (const BootFailure& failure : part.stored.run.failures) {
      planned.emplace(failure.kernel, failure.seed, failure.condition);
      if (!boots.contains({failure.kernel, failure.seed, failure.condition})) joined.run.failures.push_back(failure);
    }
  }
  if (joined.boots.empty()) return user_error("{} has no boots: there is nothing to join", parts.front().place);
  joined.run.boots_done = static_cast<int>(joined.boots.size());
  joined.run.boots_planned = static_cast<int>(planned.size());
  return joined;
}

}  // namespace nslab
