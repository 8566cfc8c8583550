// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>

#include "result.h"

namespace nslab {

/// What the chosen verb does; set by the verb's callback, executed after parsing.
using Action = std::function<Result<void>()>;

/// Each verb lives in a file of its own, verb_NAME.cc: it declares its arguments and sets `action` when it is chosen.
void declare_doctor(CLI::App& app, Action& action);
void declare_kernel(CLI::App& app, Action& action);
void declare_kernel_size(CLI::App& kernel_verb, Action& action);
void declare_bench(CLI::App& app, Action& action);
void declare_run(CLI::App& app, Action& action);
void declare_report(CLI::App& app, Action& action);
void declare_compare(CLI::App& app, Action& action);

/// The results folder that `report` and `compare` read: the named one, or the one under results/ that was written last.
Result<std::string> find_results(const std::string& named);

/// Columns of the terminal that stdout is, or 0 where it is none.
int terminal_columns();

}  // namespace nslab
