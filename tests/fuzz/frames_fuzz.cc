// SPDX-License-Identifier: GPL-2.0
//
// What a guest sends. An input that starts as a frame is the stream itself; any other is a list of payloads, a line
// each, that we put into frames, since checksums are hard to guess.
#include <nlohmann/json.hpp>

#include "frame.h"
#include "frames.h"
#include "fuzz.h"
#include "printable.h"

namespace nslab::fuzz {

namespace {

BootPlan plan(bool with_command) {
  BootPlan plan{.kernel = "multi", .seed = 7, .command = {}, .cells = {}, .fault = {}};
  for (int depth = 0; depth < 2; ++depth)
    plan.cells.push_back({.index = depth, .benchmark = "getpid", .depth = depth, .iterations = 3});
  if (with_command) plan.command = {"run"};
  return plan;
}

std::string stream_of(std::string_view input) {
  if (input.starts_with(frame::kMagic)) return std::string(input);
  std::string stream;
  while (!input.empty()) {
    const auto line = input.substr(0, input.find('\n'));
    stream += frame::encode(line);
    input.remove_prefix(std::min(line.size() + 1, input.size()));
  }
  return stream;
}

bool is_printable(const std::string& text) { return printable(text) == text; }

}  // namespace

void try_input(std::string_view input) {
  const std::string stream = stream_of(input);
  for (const BootPlan& plan : {plan(false), plan(true)}) {
    const auto report = read_report(stream, plan, "multi");
    if (!report) {
      require(report.error().exit == Exit::says_no, "it is the guest's mistake");
      require(is_printable(report.error().message), "errors are printable");
      continue;
    }
    require(is_printable(report->release) && is_printable(report->command_output), "the guest's texts are printable");
    require(report->samples.size() == plan.cells.size(), "each cell has a sample");
    for (const Sample& sample : report->samples) {
      require(impossible(sample).empty(), "samples are possible");
      require(is_printable(sample.refusal) && is_printable(sample.layout), "the guest's texts are printable");
    }
  }
}

}  // namespace nslab::fuzz
