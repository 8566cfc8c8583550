// SPDX-License-Identifier: GPL-2.0
#include "frame.h"

#include <gtest/gtest.h>

namespace nslab::frame {
namespace {

using namespace std::string_literals;

// The check value of CRC-32 in every catalogue of them: the nine digits.
TEST(Frame, ChecksumIsZlibs) { EXPECT_EQ(checksum("123456789"), 0xcbf43926u); }

TEST(Frame, HeaderIsLittleEndian) {
  EXPECT_EQ(header(0x01020304, 0xa0b0c0d0), "NSLB\x04\x03\x02\x01\xd0\xc0\xb0\xa0"s);
}

TEST(Frame, EncodesPayloadBehindItsHeader) {
  EXPECT_EQ(encode("123456789"),
            "NSLB\x09\x00\x00\x00\x26\x39\xf4\xcb"
            "123456789"s);
}

TEST(Frame, EmptyPayloadIsAHeaderAlone) {
  EXPECT_EQ(encode(""), "NSLB\0\0\0\0\0\0\0\0"s);
  EXPECT_EQ(encode("").size(), kHeaderBytes);
}

TEST(Frame, LeavesByStatusesThatAreNotQemusOwn) {
  EXPECT_EQ(qemu_status(Leave::complete), 33);
  EXPECT_EQ(qemu_status(Leave::no_plan), 35);
  EXPECT_EQ(qemu_status(Leave::fault), 37);
  EXPECT_EQ(qemu_status(Leave::early_exit), 39);
}

}  // namespace
}  // namespace nslab::frame
