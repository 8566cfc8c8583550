// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <optional>

#include "plan.h"
#include "result.h"
#include "store.h"

namespace nslab {

/// Boots that are executed somewhere, and handed to one caller in the order in which they end.
class Boots {
 public:
  virtual ~Boots() = default;

  /// What a boot ended with.
  struct Ended {
    const BootPlan* plan;
    Result<BootRecord> boot;
  };

  /// The next boot to end, well or not. Nothing when all results are handed out, or when no boot ended within half a
  /// second, so that the caller can look at the clock and at signals.
  virtual std::optional<Ended> next() = 0;
  /// Whether no boot is under way or will be started, and all results are handed out.
  virtual bool all_ended() = 0;
  /// Starts no more boots. Of those under way, next() hands out what this program itself executes.
  virtual void stop() = 0;
};

}  // namespace nslab
