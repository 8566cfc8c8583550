// SPDX-License-Identifier: GPL-2.0
#include "machines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Machines, AreHereUnlessTheUserSaysOtherwise) {
  EXPECT_EQ(machines_from("")->kind, Machines::Kind::here);
  EXPECT_EQ(machines_from("slurm")->kind, Machines::Kind::slurm);
}

TEST(Machines, OptionsAreThoseOfSbatch) {
  const auto machines = machines_from("slurm:partition=short,time=1:00:00,exclusive");
  ASSERT_TRUE(machines) << machines.error().message;
  EXPECT_THAT(machines->slurm_options,
              ElementsAre(Pair("exclusive", ""), Pair("partition", "short"), Pair("time", "1:00:00")));
}

TEST(Machines, ACommaOfAnOptionsValueIsWrittenTwice) {
  const auto machines = machines_from("slurm:partition=short,,long,exclusive,nodelist=a,,b,,c");
  ASSERT_TRUE(machines) << machines.error().message;
  EXPECT_THAT(machines->slurm_options,
              ElementsAre(Pair("exclusive", ""), Pair("nodelist", "a,b,c"), Pair("partition", "short,long")));
}

TEST(Machines, HostsMayHaveAUserAndANumberOfBoots) {
  const auto machines = machines_from("ssh:one,me@two.example*4");
  ASSERT_TRUE(machines) << machines.error().message;
  EXPECT_EQ(machines->kind, Machines::Kind::ssh);
  EXPECT_THAT(machines->hosts, ElementsAre(Pair("one", 0), Pair("me@two.example", 4)));
}

TEST(Machines, WhatCannotBeMeantIsRefused) {
  const auto message = [](const std::string& text) {
    const auto machines = machines_from(text);
    return machines ? "accepted" : machines.error().message;
  };
  EXPECT_THAT(message("pbs"), HasSubstr("'pbs' is neither slurm nor ssh"));
  EXPECT_THAT(message("ssh"), HasSubstr("a name is missing"));
  EXPECT_THAT(message("ssh:one,"), HasSubstr("a name is missing"));
  EXPECT_THAT(message("ssh:-oProxyCommand=id"), HasSubstr("is no host"));
  EXPECT_THAT(message("ssh:one*0"), HasSubstr("'0' is no number of boots"));
  EXPECT_THAT(message("ssh:one*many"), HasSubstr("'many' is no number of boots"));
  EXPECT_THAT(message("slurm:"), HasSubstr("a name is missing"));
  EXPECT_THAT(message("slurm:-p"), HasSubstr("is no option of sbatch"));
  EXPECT_THAT(message("slurm:outpu=x"), HasSubstr("nslab sets 'outpu' itself"));
  EXPECT_THAT(message("slurm:array=1-3"), HasSubstr("nslab sets 'array' itself"));
}

}  // namespace
}  // namespace nslab
