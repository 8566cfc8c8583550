// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report.h"
#include "result.h"

namespace nslab {

/// A plot to be embedded.
struct HtmlPlot {
  std::string description;  ///< for those who cannot see it
  std::string svg;
};

/// The report as one self-contained page, without scripts and without references to other files; the plots are embedded
/// as images. Equal input gives an equal page: no clock is read.
std::string render_html(const Report& report, const std::vector<HtmlPlot>& plots);

/// Writes `folder`/report.html with those of all_plots() that are among `pictures`, the paths that write_plots() has
/// returned: a picture that an earlier report left in the folder is not of this page. Returns the path. Fails with
/// Exit::machine when it cannot be written.
Result<std::string> write_html(const Report& report, const std::string& folder,
                               const std::vector<std::string>& pictures);

/// Text as HTML: & < > " ' escaped.
std::string escape_html(std::string_view text);

}  // namespace nslab
