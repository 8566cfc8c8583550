// SPDX-License-Identifier: GPL-2.0
#include "frames.h"

#include "frame.h"
#include "json.h"
#include "printable.h"

namespace nslab {

namespace {

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// `what` may quote the guest, which must not control the user's terminal with it.
Error malformed(std::size_t frame, const std::string& what) {
  return negative_result("frame {} of the guest: {}", frame, printable(what));
}

/// A non-negative integer member, or an error; the guest's JSON is not trusted to have it.
Result<std::uint64_t> integer(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned())
    return negative_result("'{}' is missing or no whole number", key);
  return found->get<std::uint64_t>();
}

Result<void> read_figures(const Json& cell, Sample& sample) {
  const std::pair<const char*, std::uint64_t*> figures[] = {
      {"iterations", &sample.iterations},
      {"sum", &sample.sum},
      {"sum_first_half", &sample.sum_first_half},
      {"minimum", &sample.minimum},
      {"median", &sample.median},
      {"p90", &sample.p90},
      {"maximum", &sample.maximum},
      {"involuntary_switches", &sample.involuntary_switches},
  };
  for (const auto& [key, target] : figures) {
    const auto value = TRY(integer(cell, key));
    *target = value;
  }
  return {};
}

/// Whether the guest found the condition that the plan wanted.
Result<void> check_condition(const Json& layout, const Condition& planned) {
  const auto ids_next = TRY(integer(layout, "ids_next"));
  const auto residents = TRY(integer(layout, "residents"));
  const auto container = TRY(integer(layout, "container"));
  const auto wanted = static_cast<std::uint64_t>(planned.ids_next);
  if ((wanted == 0 ? ids_next != 0 : ids_next < wanted) || residents != static_cast<std::uint64_t>(planned.residents) ||
      container != (planned.container ? 1 : 0)) {
    return negative_result(
        "its condition was not brought about: the next id is {}, {} residents, {}; planned was '{}' ({})",
        ids_next == 0 ? "as it came" : fmt::to_string(ids_next), residents,
        container == 1 ? "in a container's cgroup" : "in the root cgroup", name_of(planned), words_for(planned));
  }
  return {};
}

Result<Sample> read_cell(const Json& cell, const PlannedCell& planned, const BootPlan& plan,
                         const std::string& kernel) {
  Sample sample;
  sample.kernel = kernel;
  sample.depth = planned.depth;
  sample.benchmark = planned.benchmark;
  sample.seed = plan.seed;
  sample.condition = name_of(plan.condition);

  const auto index = integer(cell, "index");
  const auto depth = integer(cell, "depth");
  if (!index) return index.error();
  if (!depth) return depth.error();
  if (*index != static_cast<std::uint64_t>(planned.index) || *depth != static_cast<std::uint64_t>(planned.depth) ||
      text_member(cell, "benchmark") != planned.benchmark) {
    return negative_result("it is for cell {} ({} at depth {}), expected was cell {} ({} at depth {})", *index,
                           text_member(cell, "benchmark"), *depth, planned.index, planned.benchmark, planned.depth);
  }
  const std::string status = text_member(cell, "status");
  if (status == "failed") {
    return negative_result("{} at depth {} failed: {}", planned.benchmark, planned.depth, text_member(cell, "message"));
  }
  if (status == "refused") {
    sample.status = CellStatus::refused;
    sample.refusal = printable(text_member(cell, "errno"));
    if (sample.refusal.empty()) return negative_result("it is refused without an errno");
    TRY(integer(cell, "level"));
    return sample;
  }
  if (status != "ok") return negative_result("its status '{}' is unknown", status);
  if (text_member(cell, "unit") != plan.unit()) {
    return negative_result("its unit is '{}', the plan's meter gives {}", text_member(cell, "unit"), plan.unit());
  }
  TRY(read_figures(cell, sample));
  // What a report would refuse to read must not become a boot that is stored and never measured again.
  if (const auto why = impossible(sample); !why.empty()) return negative_result("it {}", why);
  if (sample.iterations != planned.iterations) {
    return negative_result("it has {} iterations, planned were {}", sample.iterations, planned.iterations);
  }
  const auto nspid = cell.find("nspid");
  if (nspid == cell.end() || !nspid->is_array() || nspid->size() != static_cast<std::size_t>(planned.depth) + 1) {
    return negative_result("its NSpid has not {} numbers: the worker did not run at depth {}", planned.depth + 1,
                           planned.depth);
  }
  const auto layout = cell.find("layout");
  if (layout == cell.end() || !layout->is_object()) return negative_result("it has no layout");
  TRY(check_condition(*layout, plan.condition));
  // Its keys sorted, as in all stored samples.
  sample.layout = nlohmann::json(*layout).dump(/*indent=*/-1, /*indent_char=*/' ', /*ensure_ascii=*/true);
  return sample;
}

}  // namespace

Result<std::vector<std::string>> split_frames(std::string_view stream) {
  std::vector<std::string> payloads;
  std::size_t at = 0;
  while (at < stream.size()) {
    const std::size_t frame = payloads.size();
    const std::string_view rest = stream.substr(at);
    if (rest.size() < frame::kHeaderBytes)
      return malformed(frame, fmt::format("the stream ends in its header (byte {})", at));
    if (rest.substr(0, 4) != frame::kMagic) return malformed(frame, fmt::format("no frame starts at byte {}", at));
    const std::size_t length = little_endian(rest.substr(4));
    if (length > frame::kMaxPayload) {
      return malformed(frame, fmt::format("it claims {} bytes, the limit is {}", length, frame::kMaxPayload));
    }
    if (rest.size() < frame::kHeaderBytes + length) {
      return malformed(frame, fmt::format("truncated: {} of {} bytes", rest.size() - frame::kHeaderBytes, length));
    }
    const std::string_view payload = rest.substr(frame::kHeaderBytes, length);
    if (frame::checksum(payload) != little_endian(rest.substr(8))) {
      return malformed(frame, fmt::format("bad checksum (frame at byte {})", at));
    }
    payloads.emplace_back(payload);
    at += frame::kHeaderBytes + length;
  }
  return payloads;
}

Result<BootReport> read_report(std::string_view stream, const BootPlan& plan, const std::string& kernel) {
  const auto payloads = TRY(split_frames(stream));

  BootReport report;
  bool ready = false;
  bool commanded = plan.command.empty();
  bool ended = false;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    if (ended) return malformed(i, "it comes after the closing frame");
    const Json payload = parse_json(payloads[i]).value_or(Json());
    if (!payload.is_object()) return malformed(i, "its payload is no JSON object");
    const std::string type = text_member(payload, "type");
    if (type == "fault") return malformed(i, "the guest's init gave up: " + text_member(payload, "message"));
    if (!ready) {
      const auto instructions = integer(payload, "instructions");
      const auto seed = integer(payload, "seed");
      if (type != "ready" || !instructions || !seed) return malformed(i, "expected was a 'ready' frame");
      if (*seed != plan.seed) return malformed(i, fmt::format("it has seed {}, the plan's is {}", *seed, plan.seed));
      report.release = printable(text_member(payload, "release"));
      report.ready_instructions = *instructions;
      ready = true;
    } else if (type == "command" && !plan.command.empty() && i == 1) {
      const auto status = integer(payload, "status");
      if (!status) return malformed(i, status.error().message);
      report.command_status = static_cast<int>(std::min<std::uint64_t>(*status, 255));
      report.command_output = printable(text_member(payload, "output"));
      commanded = true;
    } else if (type == "cell") {
      const std::size_t next = report.samples.size();
      if (next >= plan.cells.size()) return malformed(i, "a cell too many");
      auto sample = read_cell(payload, plan.cells[next], plan, kernel);
      if (!sample) return malformed(i, sample.error().message);
      report.samples.push_back(std::move(*sample));
    } else if (type == "end") {
      const auto cells = integer(payload, "cells");
      const auto frames = integer(payload, "frames");
      if (!cells || *cells != plan.cells.size() || report.samples.size() != plan.cells.size() || !frames ||
          *frames != i) {
        return malformed(i, fmt::format("the closing frame's counts are wrong: it says {} cells in {} frames, "
                                        "{} cells came in {} frames, {} were planned",
                                        cells ? fmt::to_string(*cells) : "no", frames ? fmt::to_string(*frames) : "no",
                                        report.samples.size(), i, plan.cells.size()));
      }
      ended = true;
    } else {
      return malformed(i, fmt::format("its type '{}' is unknown", type));
    }
  }
  if (ended && !commanded) return negative_result("the guest did not say how the plan's command ended");
  if (!ended) {
    return negative_result("the boot has no closing frame: {} of {} cells came", report.samples.size(),
                           plan.cells.size());
  }
  return report;
}

}  // namespace nslab
