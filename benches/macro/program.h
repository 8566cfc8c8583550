// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "../micro/micro.h"

namespace nslab::macro {

/// Measures a whole program, from posix_spawn() to its reaped exit; `arguments` begin with its path. Its stdout and
/// stderr go into memory. Each run must end with status 0, and `judge` sees what it wrote: nullptr, or what is wrong.
void measure_program(micro::Measurement& measurement, const std::vector<std::string>& arguments,
                     const std::function<const char*(std::string_view output)>& judge);

/// The same, for a program that writes just this.
void measure_program(micro::Measurement& measurement, const std::vector<std::string>& arguments,
                     std::string_view output);

}  // namespace nslab::macro
