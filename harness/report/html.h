// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report.h"
#include "result.h"

namespace nslab {

/// The report as one self-contained page, without scripts and without references to other files. `plots` are SVG texts
/// with what they show, embedded as images. Equal input gives an equal page: no clock is read.
struct HtmlPlot {
  std::string name;  ///< what it shows, for those who cannot see it
  std::string svg;
};
std::string render_html(const Report& report, const std::vector<HtmlPlot>& plots);

/// Writes `folder`/report.html with the plots that write_plots() has left there (a plot that is not there is left out).
/// Returns the path. Fails with Exit::machine when it cannot be written.
Result<std::string> write_html(const Report& report, const std::string& folder);

/// Text as HTML: & < > " ' escaped.
std::string escape_html(std::string_view text);
/// Base 64 (RFC 4648, section 4).
std::string base64(std::string_view bytes);

}  // namespace nslab
