// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "report.h"
#include "sample.h"
#include "verb.h"

namespace nslab {

/// Which run a verb reads, and by which statistic: the arguments that such verbs share.
struct RunChoice {
  std::string results;
  int run = 0;
  std::string statistic;
  std::string reference;
};

/// Declares --run and --statistic; the results folder is the verb's own to declare.
void declare_run_choice(Arguments& arguments, RunChoice& choice);

/// A run with its samples, and how its experiment wants them to be reported.
struct LoadedRun {
  std::string folder;
  RunRecord run;
  std::vector<Sample> samples;
  ReportOptions options;
};

/// Reads the run from the named folder, or from the one under results/ that was written last. What the command line
/// leaves open is as the experiment says. Exit::user when there is no such folder, run or statistic.
Result<LoadedRun> load_run(const RunChoice& choice);

}  // namespace nslab
