// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <string_view>

#include "result.h"

namespace nslab {

constexpr int kAgedIdsNext = 300'000;  ///< where the ids of "aged" begin, unless an experiment says otherwise
constexpr int kHostResidents = 8;      ///< of the condition "host", in each level's namespace
constexpr int kLeastIdsNext = 1024;    ///< where aged ids may begin
constexpr int kMostIdsNext = 4'000'000;
constexpr int kMostResidents = 1000;
constexpr int kFreshPidMax = 4096;      ///< an IDR of so many ids has two layers at most
constexpr int kAgedPidMax = 4'194'304;  ///< as systemd sets it

/// What a cell finds in the guest besides itself: what a cost depends on, and what costs are only compared under the
/// same of. docs/conditions.md says what each part does.
struct Condition {
  int ids_next = 0;        ///< the next id of every level is moved to at least this one; 0: fresh, low ids
  int residents = 0;       ///< processes that sleep in each level's namespace
  bool container = false;  ///< in a memory and pids cgroup of its own instead of the root's
  auto operator<=>(const Condition&) const = default;
};

/// The sets that have a name of their own.
constexpr Condition kQuiet = {};
constexpr Condition kHost = {.ids_next = kAgedIdsNext, .residents = kHostResidents, .container = true};

/// "quiet", "host", or the parts that differ from quiet: "aged", "residents=8", "container", joined by '+'. Aged ids
/// that begin elsewhere than at kAgedIdsNext are "aged=1000000".
std::string name_of(const Condition& condition);
/// The reverse. Exit::user when that is no condition.
Result<Condition> condition_from(std::string_view name);

/// In words: "ids from 300000, 8 residents a namespace, in a container's cgroup".
std::string words_for(const Condition& condition);

}  // namespace nslab
