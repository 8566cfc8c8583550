// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

namespace nslab {

/// Seconds of CLOCK_MONOTONIC.
double monotonic_seconds();

/// The present time in UTC, ISO 8601, in seconds: "2025-01-31T12:00:00Z".
std::string utc_now();

}  // namespace nslab
