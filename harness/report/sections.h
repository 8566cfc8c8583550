// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "document.h"
#include "report.h"

namespace nslab {

/// The sections of a report, each in the file section_NAME.cc. A section that has nothing to say is empty.

/// The answer in a few lines, as facts: what was compared, what came out, as far as the run has it: between kernels, of
/// depth, of size, of the controls. All of it is read from the data. Which operation the lines are about, and which
/// cells they name, is decided by rules that section_summary.cc states.
Block summary(const Report& report);

/// The title, what is wrong or must be read with care, and what the run was.
Document head_section(const Report& report);

/// What each cell costs, and the cost of depth, by one statistic.
Document costs_section(const Report& report, const View& view);
/// How to read the tables of costs.
Document reading_section(const Report& report);

/// What each idea costs or saves: the answers to contrasts.
Document answers_section(const Report& report, const View& view);

/// Which functions make the headline differences, where they were counted.
Document functions_section(const Report& report);

/// Where the answers depend on the condition: empty for a run that has one.
Document conditions_section(const Report& report);

/// Of the time meter: which levels vary (builds, boots, repetitions), what is undecided and how many rounds would
/// decide it, and what is not steady.
Document levels_section(const Report& report);

/// What the host did while boots of the time meter ran, and which of them it disturbed.
Document host_section(const Report& report);
/// A warning that there are such boots; empty: there are none.
std::string disturbed_text(const Report& report);

/// How cost grows with a size.
Document growth_section(const Report& report, const View& view);

/// How throughput grows with the number of vCPUs: empty where no operation was done on several.
Document scaling_section(const Report& report, const View& view);

/// Time meter: what one must know of the machine that the guests saw, as warnings; and what their events counted.
/// Where the kernels' code lay in timed guests, in words; empty: the guests did not say.
std::string addresses_text(const TimedGuests& timed);
Document timed_guests_section(const Report& report);
Document counters_section(const Report& report, const View& view);

}  // namespace nslab
