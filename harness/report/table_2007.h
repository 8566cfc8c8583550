// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>
#include <string_view>

#include "document.h"
#include "report.h"
#include "stats.h"

namespace nslab {

/// A difference from the kernel without pid namespaces, in per cent, and its error.
struct Change {
  double percent = 0;
  double error = 0;  ///< half width, per cent
  bool operator==(const Change&) const = default;
};

/// From quoted figures, each with its error, as per cent of `base`. The errors add in quadrature, as those of
/// independent measurements: for a ratio r = a / b, σr / r = √((σa / a)² + (σb / b)²).
Change quoted_change(double value, double value_error, double base, double base_error);

/// How today's difference stands to 2007's.
enum class Agreement {
  agrees,          ///< the two intervals overlap, and the directions do not contradict each other
  direction_only,  ///< the same direction, but the intervals are apart
  disagrees,       ///< the opposite direction, or a difference beyond the error where 2007 saw none
  unknown,         ///< today's is not known well enough: refused, not measured, or fewer than two pairs of boots
};

/// docs/statistics.md, "Agreement with 2007". `today` is against the kernel without pid namespaces that has the same
/// lookup.
Agreement agreement(const Change& then, const std::optional<Comparison>& today);
std::string_view name_of(Agreement agreement);

/// For the experiment named "2007": the table of 2007 as quoted, above today's in the same rows, and a sentence a row
/// on whether they agree. Like is compared with like: a design with the IDR with `none`, one with bitmap and hash with
/// kBareKernel. A run without the latter, as those made before there was one, says so in place of the figures. Empty
/// for any other experiment, and where differences are not against `none`.
Document table_2007(const Report& report);

/// One benchmark of 2007's ("nptl" or "getpid") in a row for each of its kernels: 2007's change against PID_NS=n,
/// today's with the kernel as it was in 2007, and with the one as it would be now, each against its own baseline.
Table summary_2007(const Report& report, std::string_view benchmark);

}  // namespace nslab
