// SPDX-License-Identifier: GPL-2.0
#include "explanations.h"

#include <cmath>

#include "condition.h"
#include "tsv.h"

namespace nslab {

namespace {

const tsv::Columns kColumns = {"benchmark", "kernel", "depth", "baseline", "baseline_depth", "part",     "function",
                               "code",      "a",      "b",     "low",      "high",           "condition"};

}  // namespace

std::string explanations_text(const std::vector<Explanation>& explanations) {
  std::string text = tsv::line(kColumns);
  for (const Explanation& e : explanations) {
    tsv::Columns fields = {
        e.benchmark, e.kernel, std::to_string(e.depth), e.baseline, std::to_string(e.baseline_depth), e.part,
        e.function,  e.code};
    // As few digits as bring the same double back.
    for (const double figure : {e.a, e.b, e.low, e.high}) fields.push_back(fmt::format("{}", figure));
    fields.push_back(e.condition);
    text += tsv::line(fields);
  }
  return text;
}

Result<std::vector<Explanation>> parse_explanations(std::string_view text, const std::filesystem::path& name) {
  std::vector<Explanation> explanations;
  // Before there were conditions, the last column was not there.
  const bool has_condition = text.substr(0, text.find('\n')).ends_with(kColumns.back());
  const tsv::Columns columns(kColumns.begin(), kColumns.end() - (has_condition ? 0 : 1));
  for (tsv::Fields& fields : TRY(tsv::read_lines(text, name, columns))) {
    Explanation e;
    e.benchmark = fields.text();
    e.kernel = fields.text();
    e.depth = TRY(fields.number<int>());
    e.baseline = fields.text();
    e.baseline_depth = TRY(fields.number<int>());
    e.part = fields.text();
    e.function = fields.text();
    e.code = fields.text();
    for (double* figure : {&e.a, &e.b, &e.low, &e.high}) {
      *figure = TRY(fields.number<double>());
      if (!std::isfinite(*figure)) return user_error("{}: a figure is not finite", fields.place());
    }
    if (has_condition) e.condition = name_of(TRY(condition_from(fields.text())));
    if (e.a < 0 || e.b < 0 || e.low > e.high || e.difference() < e.low - 1e-6 || e.difference() > e.high + 1e-6) {
      return user_error("{}: the figures contradict each other", fields.place());
    }
    explanations.push_back(std::move(e));
  }
  return explanations;
}

}  // namespace nslab
