// SPDX-License-Identifier: GPL-2.0
#include "report_document.h"

#include "sections.h"
#include "table_2007.h"

namespace nslab {

Document describe(const Report& report) {
  Document document = head_section(report);
  append(document, table_2007(report));
  for (const View& view : report.views) append(document, costs_section(report, view));
  append(document, reading_section(report));
  append(document, answers_section(report, report.views.front()));
  append(document, growth_section(report, report.views.front()));
  return document;
}

}  // namespace nslab
