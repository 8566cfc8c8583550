// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "result.h"

namespace nslab {

/// Replaces standard streams that the caller closed by /dev/null, and lets a pipe without a reader be an error and not
/// a signal. The first thing that main() does: otherwise the next file that is opened, perhaps the results, would be
/// the standard output.
void prepare_output();

/// Writes to the standard output, without_controls(). Nothing fails here; output_error() says at the end whether
/// something did.
void write_out(std::string_view text);
/// Writes to the standard error, without_controls(). Where that is closed or full there is nobody to tell.
void write_err(std::string_view text);
/// With what moves a terminal's cursor; for texts that are all our own.
void write_err_raw(std::string_view text);

template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  write_err(fmt::format(format, std::forward<Args>(args)...));
}

/// Writes out what is buffered. Exit::machine when output was lost, as on a full disk. A reader that closed its end of
/// the pipe, as head(1) does, has read all that it wanted: that is no error.
Result<void> output_error();

}  // namespace nslab
