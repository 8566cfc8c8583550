// SPDX-License-Identifier: GPL-2.0
#include "guest_plan.h"

#include <gtest/gtest.h>

namespace nslab::guest {
namespace {

nlohmann::json good_plan() {
  return nlohmann::json::parse(R"({
    "protocol": 1, "seed": 18446744073709551615, "meter": "instructions", "pid_max": 4096, "mmap_pages": 37,
    "environment_bytes": 1234, "condition": {"ids_next": 300000, "residents": 8, "cgroup": "container"},
    "fault": "", "command": ["/bin/true", "x"],
    "cells": [{"index": 3, "benchmark": "getpid", "depth": 1, "iterations": 2000, "warmup": 200, "history": 17,
               "tick_phase": 123456, "slab_phase": 500, "limit_seconds": 30}]})");
}

std::string complaint(const nlohmann::json& plan) {
  const auto parsed = parse_plan(plan.dump());
  return std::holds_alternative<std::string>(parsed) ? std::get<std::string>(parsed) : "";
}

TEST(GuestPlan, ReadsEveryKey) {
  const auto parsed = parse_plan(good_plan().dump());
  ASSERT_TRUE(std::holds_alternative<Plan>(parsed)) << std::get<std::string>(parsed);
  const Plan& plan = std::get<Plan>(parsed);
  EXPECT_EQ(plan.seed, 18446744073709551615u);
  EXPECT_EQ(plan.meter, "instructions");
  EXPECT_EQ(plan.pid_max, 4096);
  EXPECT_EQ(plan.mmap_pages, 37);
  EXPECT_EQ(plan.environment_bytes, 1234);
  EXPECT_EQ(plan.fault, "");
  EXPECT_EQ(plan.condition.ids_next, 300000);
  EXPECT_EQ(plan.condition.residents, 8);
  EXPECT_TRUE(plan.condition.container);
  EXPECT_EQ(plan.command, (std::vector<std::string>{"/bin/true", "x"}));
  ASSERT_EQ(plan.cells.size(), 1u);
  EXPECT_EQ(plan.cells[0].index, 3u);
  EXPECT_EQ(plan.cells[0].benchmark, "getpid");
  EXPECT_EQ(plan.cells[0].depth, 1);
  EXPECT_EQ(plan.cells[0].iterations, 2000u);
  EXPECT_EQ(plan.cells[0].warmup, 200u);
  EXPECT_EQ(plan.cells[0].history, 17);
  EXPECT_EQ(plan.cells[0].tick_phase, 123456u);
  EXPECT_EQ(plan.cells[0].slab_phase, 500u);
  EXPECT_EQ(plan.cells[0].limit_seconds, 30);
}

TEST(GuestPlan, NamesWhatIsMissing) {
  const nlohmann::json good = good_plan();
  for (const auto& [key, value] : good.items()) {
    if (key == "fault") continue;
    nlohmann::json plan = good_plan();
    plan.erase(key);
    EXPECT_EQ(complaint(plan), "the plan has no '" + key + "'");
  }
  for (const auto& [key, value] : good["cells"][0].items()) {
    nlohmann::json plan = good_plan();
    plan["cells"][0].erase(key);
    EXPECT_EQ(complaint(plan), "cell 0 of the plan has no '" + key + "'");
  }
}

TEST(GuestPlan, SaysWhatItExpected) {
  nlohmann::json plan = good_plan();
  plan["condition"]["cgroup"] = "other";
  EXPECT_EQ(complaint(plan), "'cgroup' of the plan's condition is 'other', expected is 'root' or 'container'");
  plan = good_plan();
  plan["condition"]["residents"] = 1001;
  EXPECT_EQ(complaint(plan), "'residents' of the plan's condition is 1001, expected is a whole number from 0 to 1000");
  plan["condition"] = 3;
  EXPECT_EQ(complaint(plan), "'condition' of the plan is no JSON object");
  plan = good_plan();
  plan["cells"][0]["depth"] = -1;
  EXPECT_EQ(complaint(plan), "'depth' of cell 0 of the plan is -1, expected is a whole number from 0 to 100");
  plan = good_plan();
  plan["meter"] = "cycles";
  EXPECT_EQ(complaint(plan), "'meter' of the plan is 'cycles', expected is 'instructions' or 'time'");
  plan = good_plan();
  plan["cells"][0]["limit_seconds"] = 7;
  EXPECT_NE(complaint(plan).find("even number"), std::string::npos);
  plan = good_plan();
  plan["fault"] = "flames";
  EXPECT_EQ(complaint(plan), "'fault' of the plan is 'flames', which this guest does not know");
}

TEST(GuestPlan, RefusesWhatIsNoPlan) {
  EXPECT_EQ(std::get<std::string>(parse_plan("")), "the plan is no JSON");
  EXPECT_EQ(std::get<std::string>(parse_plan("{")), "the plan is no JSON");
  EXPECT_EQ(std::get<std::string>(parse_plan("[]")), "the plan is no JSON object");
  nlohmann::json plan = good_plan();
  plan["cells"] = nlohmann::json::array();
  EXPECT_EQ(complaint(plan), "");
  plan["command"] = nlohmann::json::array();
  EXPECT_EQ(complaint(plan), "the plan has neither cells nor a command");
  plan["cells"] = {1};
  EXPECT_EQ(complaint(plan), "cell 0 of the plan is no JSON object");
}

TEST(GuestPlan, KnowsAllFaults) {
  for (const std::string_view fault : kFaults) {
    nlohmann::json plan = good_plan();
    plan["fault"] = fault;
    EXPECT_EQ(complaint(plan), "");
  }
}

}  // namespace
}  // namespace nslab::guest
