// SPDX-License-Identifier: GPL-2.0
#include "symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "archives.h"
#include "files.h"
#include "machine_code.h"
#include "text.h"

namespace nslab {

// With names that are not mangled; the test looks for them in its own program.
extern "C" [[gnu::noinline]] int symbols_test_first(int value) { return value * 3 + 1; }
extern "C" [[gnu::noinline]] int symbols_test_second(int value) { return symbols_test_first(value) ^ 5; }

// As in a kernel's assembly: a label, where a new task begins.
asm(".pushsection .text\n.globl ret_from_fork\nret_from_fork:\n\tret\n.popsection");

/// Its method's mangled name says that it is one and changes nothing.
struct SymbolsTestMethod {
  template <typename T>
  [[gnu::noinline]] T twice(T value) const {
    return value + value;
  }
};

namespace {

using testing::HasSubstr;

std::string bytes_of(const char* file) { return *read_file(file); }

bool has(const ElfCode& code, const std::string& name) {
  return std::any_of(code.functions.begin(), code.functions.end(),
                     [&](const ElfFunction& function) { return function.name == name; });
}

TEST(ProgramCode, HasTheFunctionsOfTheSymbolTableSorted) {
  EXPECT_EQ(symbols_test_second(1), 1);  // the linker keeps what is used
  const auto code = read_program_code(bytes_of("/proc/self/exe"), "test");
  ASSERT_TRUE(code.has_value()) << code.error().message;
  EXPECT_TRUE(has(*code, "symbols_test_first"));
  EXPECT_TRUE(has(*code, "main"));
  EXPECT_TRUE(std::is_sorted(code->functions.begin(), code->functions.end(),
                             [](const ElfFunction& a, const ElfFunction& b) { return a.start < b.start; }));
  EXPECT_FALSE(code->pages.empty());
}

// Debian's libraries are stripped: what they export has a name, and for the rest there are the frame descriptions.
TEST(ProgramCode, OfAStrippedLibraryKnowsWhereUnnamedFunctionsBegin) {
  const auto code = read_program_code(bytes_of("/lib/x86_64-linux-gnu/libc.so.6"), "libc.so.6");
  ASSERT_TRUE(code.has_value()) << code.error().message;
  EXPECT_TRUE(has(*code, "fork"));
  const auto unnamed = std::count_if(code->functions.begin(), code->functions.end(),
                                     [](const ElfFunction& f) { return f.name.starts_with("+0x"); });
  EXPECT_GT(unnamed, 100);
}

TEST(ProgramCode, OfAnythingElseIsEmptyOrAnError) {
  EXPECT_TRUE(read_program_code("#!/bin/sh\n", "script")->functions.empty());
  const std::string program = bytes_of("/proc/self/exe");
  for (const std::size_t size : {std::size_t{16}, std::size_t{64}, program.size() / 2}) {
    const auto code = read_program_code(program.substr(0, size), "cut");
    EXPECT_TRUE(!code.has_value() || code->functions.empty()) << size;
  }
}

TEST(SymbolTable, NamesEveryNumberThatThePluginWrites) {
  const std::filesystem::path folder = testing::TempDir();
  const std::filesystem::path cpio = folder / "symbols-test.cpio";
  ASSERT_TRUE(write_file(
      cpio, *make_cpio({{"bin/me", 0100755, bytes_of("/proc/self/exe")}, {"etc/text", 0100644, "no program"}})));
  const auto table = make_symbol_table("/proc/self/exe", cpio);
  ASSERT_TRUE(table.has_value()) << table.error().message;
  std::size_t ids = pseudo_functions().size();
  for (const std::string& line : lines_of(table->text)) ids += line.starts_with("k ") || line.starts_with("f ") ? 1 : 0;
  EXPECT_EQ(ids, table->functions.size());
  EXPECT_TRUE(table->file(400).starts_with("nslab symbols 2\nw 400\ne "));
  EXPECT_TRUE(table->file(400).ends_with("\nend\n"));
  const auto lines = lines_of(table->text);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) { return line.starts_with("k ") && line.ends_with(" n"); }),
            1);
  EXPECT_EQ(SymbolsTestMethod().twice(2), 4);
  for (const char* name : {"symbols_test_first", "nslab::SymbolsTestMethod::twice"}) {
    const FunctionName mine{"me", name};
    EXPECT_NE(std::find(table->functions.begin(), table->functions.end(), mine), table->functions.end()) << name;
  }
}

TEST(MaskedCode, ComparesFunctionsByWhatTheyDo) {
  const std::set<std::string> names = {"symbols_test_first", "symbols_test_second", "there is none"};
  const auto code = masked_code("/proc/self/exe", names);
  ASSERT_TRUE(code.has_value()) << code.error().message;
  EXPECT_EQ(code->size(), 2U);
  EXPECT_NE(code->at("symbols_test_first"), code->at("symbols_test_second"));

  auto other = *code;
  EXPECT_EQ(change_of("symbols_test_first", *code, other), CodeChange::same);
  other["symbols_test_first"].exact = "with another constant";
  EXPECT_EQ(change_of("symbols_test_first", *code, other), CodeChange::constants);
  other["symbols_test_first"].skeleton = "with another instruction";
  EXPECT_EQ(change_of("symbols_test_first", *code, other), CodeChange::changed);
  other.erase("symbols_test_first");
  EXPECT_EQ(change_of("symbols_test_first", *code, other), CodeChange::gone);
  EXPECT_EQ(change_of("symbols_test_first", other, *code), CodeChange::fresh);
  EXPECT_EQ(change_of("[idle]", *code, *code), CodeChange::same);
}

}  // namespace
}  // namespace nslab
