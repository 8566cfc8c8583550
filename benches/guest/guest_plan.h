// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The plan as the guest understands it (docs/guest-protocol.md). Pure: text in, plan or complaint out.
namespace nslab::guest {

/// What the plan may ask PID 1 to do wrong, so that the host's tests can see it noticed.
inline constexpr std::array<std::string_view, 16> kFaults = {
    "panic", "oops",        "hang",   "slow",      "deaf",    "bad-checksum", "truncated",  "oversized",
    "flood", "wrong-count", "no-end", "duplicate", "garbage", "bad-json",     "early-exit", "failed-cell"};

/// One cell to measure.
struct Cell {
  std::uint64_t index = 0;
  std::string benchmark;
  int depth = 0;                 ///< pid namespaces below the initial one
  std::uint64_t iterations = 0;  ///< measured repetitions
  std::uint64_t warmup = 0;      ///< repetitions before them
  int history = 0;               ///< processes created and reaped beforehand in the cell's namespace
  std::uint64_t tick_phase = 0;  ///< instructions (guest ns) from a timer tick to the first repetition
  std::uint64_t slab_phase = 0;  ///< thousandths of a slab (slabs.h)
  int limit_seconds = 0;         ///< the watchdog's limit, guest seconds, even
};

/// What a cell finds in the guest besides itself (docs/conditions.md).
struct Condition {
  int ids_next = 0;        ///< the next id of each level is moved to at least this one; 0: it stays as it comes
  int residents = 0;       ///< processes that sleep in each level's namespace
  bool container = false;  ///< the cell runs in a memory and pids cgroup of its own, with limits far away
};

/// One boot's work.
struct Plan {
  std::uint64_t seed = 0;
  std::string meter;          ///< "instructions" or "time"
  int pid_max = 0;            ///< for kernel.pid_max
  int mmap_pages = 0;         ///< 4 KiB pages by which the worker's mmap base moves down
  int environment_bytes = 0;  ///< length of the worker's pad variable
  Condition condition;
  std::vector<std::string> command;  ///< a program and its arguments, run before the cells; empty: none
  std::vector<Cell> cells;
  std::string fault;  ///< empty, or one of kFaults
#ifdef NSLAB_TIMED
  int vcpus = 1;  ///< that the guest has
#endif
};

namespace internal {

/// A complaint on its way out of parse_plan(), never further.
struct PlanError {
  std::string message;
};

inline const nlohmann::json& member(const nlohmann::json& object, const std::string& key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) throw PlanError{where + " has no '" + key + "'"};
  return *found;
}

inline std::uint64_t number(const nlohmann::json& object, const std::string& key, const std::string& where,
                            std::uint64_t low, std::uint64_t high) {
  const nlohmann::json& value = member(object, key, where);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() < low || value.get<std::uint64_t>() > high) {
    throw PlanError{"'" + key + "' of " + where + " is " + value.dump() + ", expected is a whole number from " +
                    std::to_string(low) + " to " + std::to_string(high)};
  }
  return value.get<std::uint64_t>();
}

inline std::string text(const nlohmann::json& object, const std::string& key, const std::string& where) {
  const nlohmann::json& value = member(object, key, where);
  if (!value.is_string()) throw PlanError{"'" + key + "' of " + where + " is " + value.dump() + ", expected is a text"};
  return value.get<std::string>();
}

}  // namespace internal

/// The plan, or what is wrong with it and where. Keys that this guest does not know are ignored, so that a newer host
/// may say more.
inline std::variant<Plan, std::string> parse_plan(std::string_view json_text) {
  using internal::number;
  using internal::PlanError;
  using internal::text;
  const nlohmann::json json = nlohmann::json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return "the plan is no JSON";
  if (!json.is_object()) return "the plan is no JSON object";
  try {
    const std::string where = "the plan";
    Plan plan;
    number(json, "protocol", where, 1, 1);
    plan.seed = number(json, "seed", where, 0, std::numeric_limits<std::uint64_t>::max());
    plan.meter = text(json, "meter", where);
    if (plan.meter != "instructions" && plan.meter != "time") {
      return "'meter' of the plan is '" + plan.meter + "', expected is 'instructions' or 'time'";
    }
    // 301: the kernel's own lower limit, RESERVED_PIDS + 1. 4194304: its upper one on 64 bits.
    plan.pid_max = static_cast<int>(number(json, "pid_max", where, 301, 4194304));
    plan.mmap_pages = static_cast<int>(number(json, "mmap_pages", where, 0, 1 << 18));
    plan.environment_bytes = static_cast<int>(number(json, "environment_bytes", where, 0, 1 << 16));
    const nlohmann::json& condition = internal::member(json, "condition", where);
    const std::string condition_name = "the plan's condition";
    if (!condition.is_object()) return "'condition' of the plan is no JSON object";
    plan.condition.ids_next = static_cast<int>(number(condition, "ids_next", condition_name, 0, 4'000'000));
    plan.condition.residents = static_cast<int>(number(condition, "residents", condition_name, 0, 1000));
    const std::string cgroup = text(condition, "cgroup", condition_name);
    if (cgroup != "root" && cgroup != "container") {
      return "'cgroup' of " + condition_name + " is '" + cgroup + "', expected is 'root' or 'container'";
    }
    plan.condition.container = cgroup == "container";
    plan.fault = json.contains("fault") ? text(json, "fault", where) : "";
    if (!plan.fault.empty() && std::find(kFaults.begin(), kFaults.end(), plan.fault) == kFaults.end()) {
      return "'fault' of the plan is '" + plan.fault + "', which this guest does not know";
    }
#ifdef NSLAB_TIMED
    if (json.contains("vcpus")) plan.vcpus = static_cast<int>(number(json, "vcpus", where, 1, 1024));
#endif
    const nlohmann::json& command = internal::member(json, "command", where);
    if (!command.is_array()) return "'command' of the plan is no list";
    for (const nlohmann::json& word : command) {
      if (!word.is_string()) return "'command' of the plan holds " + word.dump() + ", expected are texts";
      plan.command.push_back(word.get<std::string>());
    }
    const nlohmann::json& cells = internal::member(json, "cells", where);
    if (!cells.is_array()) return "'cells' of the plan is no list";
    if (cells.empty() && plan.command.empty()) return "the plan has neither cells nor a command";
    for (const nlohmann::json& entry : cells) {
      const std::string cell_name = "cell " + std::to_string(plan.cells.size()) + " of the plan";
      if (!entry.is_object()) return cell_name + " is no JSON object";
      Cell cell;
      cell.index = number(entry, "index", cell_name, 0, 1 << 20);
      cell.benchmark = text(entry, "benchmark", cell_name);
      cell.depth = static_cast<int>(number(entry, "depth", cell_name, 0, 100));
      cell.iterations = number(entry, "iterations", cell_name, 1, 10'000'000);
      cell.warmup = number(entry, "warmup", cell_name, 0, 10'000'000);
      cell.history = static_cast<int>(number(entry, "history", cell_name, 0, 100'000));
      cell.tick_phase = number(entry, "tick_phase", cell_name, 0, 100'000'000);
      cell.slab_phase = number(entry, "slab_phase", cell_name, 0, 999);
      cell.limit_seconds = static_cast<int>(number(entry, "limit_seconds", cell_name, 2, 3600));
      if (cell.limit_seconds % 2 != 0) {
        return "'limit_seconds' of " + cell_name + " is " + std::to_string(cell.limit_seconds) +
               ", expected is an even number: the ib700 watchdog counts by two seconds";
      }
      plan.cells.push_back(std::move(cell));
    }
    return plan;
  } catch (const PlanError& error) {
    return error.message;
  }
}

}  // namespace nslab::guest
