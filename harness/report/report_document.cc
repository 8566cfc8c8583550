// SPDX-License-Identifier: GPL-2.0
#include "report_document.h"

#include <fmt/format.h>

#include "sections.h"
#include "table_2007.h"

namespace nslab {

namespace {

Document put_together(const Report& report, const Block& answer) {
  Document document = head_section(report);
  document.insert(document.begin() + 1, answer);
  append(document, timed_guests_section(report));
  append(document, table_2007(report));
  for (const View& view : report.views) append(document, costs_section(report, view));
  append(document, reading_section(report));
  append(document, conditions_section(report));
  append(document, functions_section(report));
  append(document, answers_section(report, report.views.front()));
  append(document, growth_section(report, report.views.front()));
  append(document, levels_section(report));
  append(document, host_section(report));
  append(document, scaling_section(report, report.views.front()));
  append(document, counters_section(report, report.views.front()));
  return document;
}

}  // namespace

Document describe(const Report& report) { return put_together(report, summary(report)); }

Document describe_for_terminal(const Report& report, const std::vector<std::pair<std::string, std::string>>& files) {
  Block answer = summary(report);
  answer.facts.insert(answer.facts.end(), files.begin(), files.end());
  Document document = put_together(report, answer);
  document.push_back({Block::Kind::heading, "In short"});
  // The head, which says it as well, is out of sight by now.
  const std::size_t failed = report.run.failures.size();
  const int missing = report.run.boots_planned - report.run.boots_done;
  if (missing > 0) {
    document.push_back({Block::Kind::warning, fmt::format("INCOMPLETE: {} of {} boots are missing, {} of them FAILED",
                                                          missing, report.run.boots_planned, failed)});
  }
  document.push_back(answer);
  return document;
}

}  // namespace nslab
