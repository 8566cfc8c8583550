// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report.h"
#include "stats.h"

namespace nslab {

/// One figure of a report, as gnuplot draws it.
struct Drawing {
  std::string data;                    ///< blanks between fields, '?' for a missing value; empty: nothing to draw
  std::vector<std::string> arguments;  ///< of the template, after TERMINAL, OUTPUT and DATA
};

/// A kind of figure: a template in plots/, and what makes its data of a report. Each is defined in a file of its own,
/// plot_NAME.cc; all_plots() lists them.
struct Plot {
  const char* name;           ///< of its files: NAME.png, NAME.svg, NAME.dat
  const char* template_file;  ///< in plots/; it says at its top what its arguments are
  const char* description;    ///< what it shows, for those who cannot see it
  Drawing (*draw)(const Report& report);
};

// What the plots share.

/// A line or a colour of bars: a kernel at a depth.
struct Series {
  std::string kernel;
  int depth = 0;
};

/// The view that is drawn: the statistic that was asked for.
const View& shown(const Report& report);
/// Null when it is not there.
const Cell* find_cell(const Report& report, const std::string& benchmark, const std::string& kernel, int depth);

/// A kernel's number, from 1, which chooses its colour. A kernel of the lab has the same number in every plot of every
/// report; one that the lab does not know has the lowest number that no kernel of the report has.
std::size_t number_of(const Report& report, const std::string& kernel);
/// The two shallowest depths: the initial namespace and one level below are the question, and more would be too many to
/// tell apart. The cost of depth has a plot of its own.
std::vector<int> shallow_depths(const Report& report);

/// "value low high", for gnuplot; without an interval both ends are the value.
std::string fields(double value, const std::optional<Interval>& interval);
/// gnuplot's word() splits at blanks. A no-break space looks the same and is none.
std::string as_word(std::string_view text);
/// The texts of the items, one word each.
template <class Items, class Text>
std::string words_of(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : " ") + text(item);
  return out;
}

/// The lines' names in a key, one word each.
std::string names_of(const std::vector<Series>& lines);
/// The lines' looks for gnuplot: two words each, the kernel's number and 1 at the shallowest depth, or 2.
std::string looks_of(const Report& report, const std::vector<Series>& lines);

/// A plot's title: what it shows, and on further lines of what run and how sure.
std::string title_text(const Report& report, std::string_view what);
/// Breaks what stands at a plot's foot into lines that fit.
std::string note_lines(std::string_view note);
/// What is refused at these depths, those that the plot is of, and therefore not drawn, as a sentence for its foot;
/// empty when nothing is.
std::string refused_note(const Report& report, const std::vector<int>& depths);

}  // namespace nslab
