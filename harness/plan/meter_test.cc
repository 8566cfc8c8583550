// SPDX-License-Identifier: GPL-2.0
#include "meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace nslab {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(Meters, AreFoundByTheirNames) {
  EXPECT_STREQ(name_of(Meter::instructions), "instructions");
  EXPECT_STREQ(unit_of(Meter::instructions), "instructions");
  EXPECT_STREQ(name_of(Meter::time), "time");
  EXPECT_STREQ(unit_of(Meter::time), "ns");
  for (const MeterProperties& meter : all_meters()) EXPECT_EQ(meter_from(meter.name), meter.meter);
  EXPECT_EQ(meter_from("cycles"), std::nullopt);
}

TEST(Meters, SayWhatAReaderMustKnow) {
  for (const MeterProperties& meter : all_meters()) {
    EXPECT_THAT(std::string(meter.note), EndsWith("."));
    EXPECT_THAT(std::string(meter.method), EndsWith("."));
    EXPECT_THAT(std::string(meter.note) + meter.method, Not(HasSubstr("KVM"))) << "the accelerator is the run's";
  }
  EXPECT_THAT(std::string(properties_of(Meter::instructions).note), HasSubstr("does not see caches"));
}

TEST(Meters, OfAStoredRunHaveTheirOwnUnit) {
  EXPECT_EQ(*meter_of_run(7, "instructions", "instructions"), Meter::instructions);
  EXPECT_EQ(*meter_of_run(7, "time", "ns"), Meter::time);
  for (const auto& [name, unit] : {std::pair("instructions", "ns"), std::pair("cycles", "cycles")}) {
    const auto refused = meter_of_run(7, name, unit);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().exit, Exit::user);
    EXPECT_THAT(refused.error().message, HasSubstr("nslab knows instructions (instructions) and time (ns)"));
  }
}

}  // namespace
}  // namespace nslab
