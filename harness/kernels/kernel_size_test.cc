// SPDX-License-Identifier: GPL-2.0
#include "kernel_size.h"

#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

TEST(SymbolSizes, AreSummedByKindAliasesOnceAndDiscardsNever) {
  const auto sizes = parse_symbol_sizes(
      "\n\nSymbols from vmlinux:\n\n"
      "Name                  Value           Class        Type         Size             Line  Section\n\n"
      "alloc_pid|0000000000000010|   T  |              FUNC|0000000000000100|     |.text\n"
      "alias    |0000000000000010|   t  |              FUNC|0000000000000100|     |.text\n"
      "start    |0000000000000010|   t  |              FUNC|0000000000000100|     |.init.text\n"
      "pid_max  |0000000000000000|   D  |            OBJECT|0000000000000004|     |.data\n"
      "names    |0000000000000000|   r  |            OBJECT|0000000000000020|     |.rodata\n"
      "map      |0000000000000000|   b  |            OBJECT|0000000000001000|     |.bss\n"
      "_text    |0000000000000000|   T  |            NOTYPE|                |     |.text\n"
      "export   |0000000000000000|   d  |            OBJECT|0000000000000008|     |.discard.addressable\n");
  ASSERT_EQ(sizes.size(), 1U);
  EXPECT_EQ(sizes.at("vmlinux"), (SymbolSizes{.text = 0x200, .data = 0x24, .bss = 0x1000}));
}

TEST(SymbolSizes, AreKeptApartByMember) {
  const auto sizes = parse_symbol_sizes(
      "\n\nSymbols from vmlinux.a[init/main.o]:\n\n"
      "a|0000000000000000|   T  |              FUNC|0000000000000010|     |.text\n"
      "\n\nSymbols from vmlinux.a[kernel/pid.o]:\n\n"
      "a|0000000000000000|   T  |              FUNC|0000000000000010|     |.text\n"
      "b|0000000000000000|   B  |            OBJECT|0000000000000008|     |.bss\n"
      "\n\nSymbols from vmlinux.a[kernel/empty.o]:\n\n");
  ASSERT_EQ(sizes.size(), 3U);
  EXPECT_EQ(sizes.at("init/main.o"), (SymbolSizes{.text = 16}));
  EXPECT_EQ(sizes.at("kernel/pid.o"), (SymbolSizes{.text = 16, .bss = 8}));
  EXPECT_EQ(sizes.at("kernel/empty.o"), SymbolSizes{});
}

TEST(SymbolSizes, ThatNoKernelHasAreNone) {
  const auto sizes = parse_symbol_sizes(
      "a|0|T||7fffffffffffffff||.text\n"
      "b|1|T||7fffffffffffffff||.text\n"
      "c|2|T||-5||.text\n"
      "d|3|T||ffffffff||.text\n");
  EXPECT_EQ(sizes.at(""), (SymbolSizes{.text = 0xffffffff}));
}

TEST(KernelSize, SurvivesItsFileAndSaysWhenThatIsDamaged) {
  const auto folder = TempFolder::make(std::filesystem::temp_directory_path(), "kernel-size-test");
  ASSERT_TRUE(folder);
  const std::filesystem::path file = folder->path() / "sizes.json";
  const KernelSize size{.total = {.text = 3, .data = 2, .bss = 1},
                        .bzimage = 99,
                        .structs = {{"pid", 128}, {"pid_namespace", 256}, {"task_struct", 6656}},
                        .objects = {{"kernel/pid.o", {.text = 1, .data = 1, .bss = 1}}}};
  ASSERT_TRUE(write_file(file, to_json(size)));
  const auto read = read_kernel_size(file);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->total, size.total);
  EXPECT_EQ(read->bzimage, 99);
  EXPECT_EQ(read->structs, size.structs);
  EXPECT_EQ(read->objects, size.objects);

  ASSERT_TRUE(write_file(file, to_json(size).substr(0, 40)));
  const auto damaged = read_kernel_size(file);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("is damaged"), std::string::npos);

  KernelSize lacking = size;
  lacking.structs.erase("task_struct");
  ASSERT_TRUE(write_file(file, to_json(lacking)));
  EXPECT_FALSE(read_kernel_size(file)) << "the table shows all of them";
}

}  // namespace
}  // namespace nslab
