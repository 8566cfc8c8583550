// SPDX-License-Identifier: GPL-2.0
#include "text_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "hash.h"
#include "store.h"
#include "test_samples.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kManifest =
    R"({"experiment": "name = \"made-up\"\n\nboots = 2\n", "qemu": "QEMU 7.2", "accelerator": "kvm",
  "qemu_command": ["qemu", "-seed", "0", "-kernel", "VMLINUX", "-serial", "file:CONSOLE"]})";

std::string boot_manifest(std::uint64_t seed) {
  return fmt::format(R"({{"release":"6.12.1","ready_instructions":{},"command":["qemu","-seed","{}","-kernel",)"
                     R"("/cache/vmlinux","-serial","file:/tmp/boot.{}/console"]}})",
                     2000 + seed, seed, seed);
}

Sample measured(const std::string& kernel, int depth, std::uint64_t seed, std::uint64_t cost) {
  Sample measured = sample(kernel, depth, "getpid", seed, cost);
  measured.maximum = 18'446'744'073'709'551'615U;
  measured.involuntary_switches = 1;
  // The stack is the boot's, the phase the sample's; the guest's order of members is kept.
  measured.layout = fmt::format(R"({{"tick_phase":{},"stack":{}}})", cost + seed, 4096 * seed);
  return measured;
}

/// Two kernels with two boots each, in the order in which boots end.
StoredRun made_up() {
  StoredRun stored;
  stored.run = {.experiment = "made-up",
                .meter = Meter::time,
                .profile = "lean",
                .base = "linux-6.12",
                .started = "2025-01-01T00:00:00Z",
                .finished = {},
                .manifest = kManifest,
                .accelerator = "kvm",
                .boots_planned = 4};
  for (const std::uint64_t seed : {2, 1}) {
    stored.boots.push_back({"multi",
                            "abc",
                            seed,
                            1.1 * static_cast<double>(seed),
                            "s",
                            "f",
                            boot_manifest(seed),
                            {measured("multi", 2, seed, 320), measured("multi", 0, seed, 310)}});
    stored.boots.push_back({"flat",
                            "def",
                            seed,
                            0.1,
                            "s",
                            "f",
                            boot_manifest(seed),
                            {measured("flat", 0, seed, 305), refused("flat", 2, "getpid", seed)}});
  }
  return stored;
}

class TextStoreTest : public testing::Test {
 protected:
  TextStoreTest() : folder_(std::move(*TempFolder::make(testing::TempDir(), "text-store"))) {}
  fs::path folder(const char* name = "text") const { return folder_.path() / name; }

  /// Writes made_up(), replaces a text in one of its files, and returns the error of reading it back.
  std::string error_after(const char* file, const std::string& from, const std::string& to) {
    if (const auto written = write_text_run(made_up(), folder()); !written) return written.error().message;
    std::string text = *read_file(folder() / file);
    const auto at = text.find(from);
    if (at == std::string::npos) return "there is no " + from + " in\n" + text;
    EXPECT_TRUE(write_file(folder() / file, text.replace(at, from.size(), to)));
    const auto back = read_text_run(folder());
    if (back) return "it was read";
    EXPECT_EQ(back.error().exit, Exit::user);
    return back.error().message;
  }
  std::string refusal_of(const StoredRun& run) {
    const auto written = write_text_run(run, folder());
    return written ? "it was written" : written.error().message;
  }

 private:
  TempFolder folder_;
};

TEST_F(TextStoreTest, FailuresAndForcedProfilesComeBack) {
  StoredRun run = made_up();
  run.run.measurable = false;
  run.run.failures = {{"multi", 9, "the kernel panicked:\n\ttwo lines"}};
  const auto written = write_text_run(run, folder());
  ASSERT_TRUE(written) << written.error().message;
  const auto back = read_text_run(folder());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_FALSE(back->run.measurable);
  EXPECT_EQ(back->run.failures, run.run.failures);
  const std::string mark = fmt::format("PROFILE {}: NOT FOR MEASUREMENT", run.run.profile);
  for (const char* const file : {"samples.tsv", "boots.tsv"})
    EXPECT_THAT(*read_file(folder() / file), testing::StartsWith("# " + mark + "\n")) << "for who reads only the table";
  EXPECT_EQ(parse_json(*read_file(folder() / "run.json")).value()["marks"], Json::array({mark}));
}

TEST_F(TextStoreTest, TheSameBootUnderTwoConditionsComesBack) {
  StoredRun run = made_up();
  for (BootRecord boot : made_up().boots) {
    boot.condition = "aged+container";
    for (Sample& sample : boot.samples) sample.condition = boot.condition;
    run.boots.push_back(boot);
  }
  run.run.boots_planned = 8;
  run.run.failures = {{"multi", 9, "hung", "host"}};
  const auto written = write_text_run(run, folder());
  ASSERT_TRUE(written) << written.error().message;
  const auto back = read_text_run(folder());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->boots.size(), 8U);
  EXPECT_EQ(back->run.failures, run.run.failures);
  EXPECT_EQ(back->samples().size(), 2 * made_up().samples().size());
  EXPECT_THAT(*read_file(folder() / "samples.tsv"), HasSubstr("\naged+container\tflat\t0\tgetpid\t1\tok"));
}

// As the run was written before there were conditions.
TEST_F(TextStoreTest, Format1IsOfTheConditionQuiet) {
  RunText text = *text_of_run(made_up());
  const auto replace_all = [](std::string& in, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = in.find(from, at)) != std::string::npos; at += to.size())
      in.replace(at, from.size(), to);
  };
  const auto to_format_1 = [&](std::string& lines) {
    const std::string before = sha256(lines);
    replace_all(lines, "condition\t", "");
    replace_all(lines, "quiet\t", "");
    replace_all(text.run, before, sha256(lines));
    EXPECT_THAT(text.run, HasSubstr(sha256(lines)));
  };
  to_format_1(text.boots);
  to_format_1(text.samples);
  replace_all(text.run, "\"format\": 2", "\"format\": 1");
  const auto back = parse_run(text, "");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, *parse_run(*text_of_run(made_up()), ""));
}

TEST_F(TextStoreTest, AConditionHasOneName) {
  EXPECT_THAT(error_after("samples.tsv", "quiet\t", "busy\t"),
              HasSubstr("samples.tsv:2: there is no condition 'busy'"));
  EXPECT_THAT(error_after("boots.tsv", "quiet\t", "aged+residents=8+container\t"),
              HasSubstr("boots.tsv:2: the condition 'aged+residents=8+container' is called 'host'"));
}

StoredRun explained() {
  StoredRun run = made_up();
  run.explanations = {{"getpid", "flat", 0, "multi", 0, kPartAll, "", "", 310, 305, -5.5, -4.5},
                      {"getpid", "flat", 0, "multi", 0, kPartChanged, "alloc_pid", "changed", 1.0 / 3, 0, -0.4, -0.2}};
  return run;
}

TEST_F(TextStoreTest, WhatDifferencesAreMadeOfComesBack) {
  const StoredRun run = explained();
  const auto written = write_text_run(run, folder());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(read_text_run(folder())->explanations, run.explanations);

  // The file belongs to the run: neither may it be another one's, nor be missing.
  const std::string text = *read_file(folder() / "functions.tsv");
  for (const auto& [from, to, what] : {std::tuple("305", "306", "figures contradict each other"),
                                       {"-0.4", "-0.41", "functions.tsv is not the file that run.json"},
                                       {"alloc_pid", "free_pid", "functions.tsv is not the file that run.json"},
                                       {"-5.5", "nan", "not finite"},
                                       {"\tlow\t", "\tLow\t", "column 11 is 'Low', expected 'low'"}}) {
    std::string other = text;
    other.replace(other.find(from), std::string_view(from).size(), to);
    ASSERT_TRUE(write_file(folder() / "functions.tsv", other));
    const auto back = read_text_run(folder());
    ASSERT_FALSE(back) << from;
    EXPECT_THAT(back.error().message, testing::HasSubstr(what));
  }
  fs::remove(folder() / "functions.tsv");
  EXPECT_FALSE(read_text_run(folder()));

  // Nor may the run not know of it.
  ASSERT_TRUE(write_text_run(run, folder()));
  Json head = *parse_json(*read_file(folder() / "run.json"));
  ASSERT_EQ(head.erase("functions_sha256"), 1);
  ASSERT_TRUE(write_file(folder() / "run.json", to_text(head, 2)));
  const auto unknown = read_text_run(folder());
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("functions.tsv is not the file that run.json"));

  // A later export of a run without it leaves none of an earlier one behind.
  ASSERT_TRUE(write_text_run(run, folder()));
  ASSERT_TRUE(write_text_run(made_up(), folder()));
  EXPECT_FALSE(fs::exists(folder() / "functions.tsv"));
}

TEST_F(TextStoreTest, WhatDifferencesAreMadeOfBelongsToTheRunsCells) {
  const auto refusal = [&](const auto& edit) {
    StoredRun run = explained();
    edit(run.explanations);
    return refusal_of(run);
  };
  using Lines = std::vector<Explanation>;
  EXPECT_THAT(refusal([](Lines& lines) { lines[0].baseline = lines[1].baseline = "ghost"; }),
              testing::HasSubstr("getpid of flat at depth 0 against ghost at depth 0: the run has no such cells"));
  EXPECT_THAT(refusal([](Lines& lines) { lines[0].depth = lines[1].depth = 7; }),
              testing::HasSubstr("the run has no such cells"));
  EXPECT_THAT(refusal([](Lines& lines) { lines[0].a = 311, lines[0].b = 306; }),
              testing::HasSubstr("the samples have other means"));
  EXPECT_THAT(refusal([](Lines& lines) { lines.erase(lines.begin()); }),
              testing::HasSubstr("the line of the whole is missing"));
  EXPECT_THAT(refusal([](Lines& lines) { lines.push_back(lines.front()); }), testing::HasSubstr("it is there twice"));
}

TEST_F(TextStoreTest, ARunWithoutBootsIsNotExported) {
  StoredRun run = made_up();
  run.boots.clear();
  EXPECT_THAT(refusal_of(run), testing::HasSubstr("has no boots: there is nothing to export"));
}

TEST_F(TextStoreTest, AnImpossibleSampleIsNamedByItsLine) {
  StoredRun run = made_up();
  for (BootRecord& boot : run.boots) {
    if (boot.kernel == "flat") boot.samples[0].sum = 0;
  }
  EXPECT_THAT(refusal_of(run), testing::HasSubstr("samples.tsv:2: the sample of getpid at depth 0 on flat with seed 1 "
                                                  "has a mean that does not lie between"));
}

TEST_F(TextStoreTest, AManifestOfOtherTypesIsRefused) {
  EXPECT_THAT(error_after("run.json", R"("manifest": {)", R"("manifest": {"curves": 7,)"),
              testing::HasSubstr("\"curves\" is no object"));
}

TEST_F(TextStoreTest, WhatAStoreHasComesBackFromItsText) {
  Store store = std::move(*Store::open(folder("store").string()));
  const StoredRun original = made_up();
  const auto run = store.begin("key", original.run);
  ASSERT_TRUE(run) << run.error().message;
  for (BootRecord boot : original.boots) {
    for (Sample& sample : boot.samples) sample.maximum = std::min(sample.maximum, std::uint64_t{1} << 62);
    const auto added = store.add(run->id, boot);
    ASSERT_TRUE(added) << added.error().message;
  }
  ASSERT_TRUE(store.finish(run->id, "2025-01-01T01:00:00Z"));

  const auto stored = load_stored_run(folder("store"), std::nullopt);
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->samples(), *store.samples(run->id));
  const auto written = write_text_run(*stored, folder());
  ASSERT_TRUE(written) << written.error().message;

  const auto back = load_stored_run(folder(), std::nullopt);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->samples(), *store.samples(run->id));
  ASSERT_EQ(back->boots.size(), 4U);
  EXPECT_EQ(back->boots[3].kernel, "multi");
  EXPECT_EQ(back->boots[3].kernel_hash, "abc");
  EXPECT_EQ(back->boots[3].wall_seconds, 2.2);
  EXPECT_EQ(back->boots[3].manifest, R"({"release":"6.12.1","ready_instructions":2002})");
  EXPECT_EQ(back->run.finished, "2025-01-01T01:00:00Z");
  EXPECT_EQ(back->run.boots_done, 4);
  EXPECT_EQ(back->run.meter, Meter::time);
  EXPECT_EQ(back->run.accelerator, "kvm");
  EXPECT_THAT(back->run.manifest, HasSubstr(R"("experiment": "name = \"made-up\"\n\nboots = 2\n")"));
}

TEST_F(TextStoreTest, ASecondExportGivesTheSameBytes) {
  ASSERT_EQ(refusal_of(made_up()), "it was written");
  const auto back = read_text_run(folder());
  ASSERT_TRUE(back) << back.error().message;
  const auto again = write_text_run(*back, folder("again"));
  ASSERT_TRUE(again) << again.error().message;
  for (const char* file : {"run.json", "boots.tsv", "samples.tsv"}) {
    EXPECT_EQ(*read_file(folder() / file), *read_file(folder("again") / file)) << file;
  }
}

TEST_F(TextStoreTest, LinesAreSortedAndWhatABootsSamplesShareStandsOnce) {
  ASSERT_EQ(refusal_of(made_up()), "it was written");
  EXPECT_EQ(*read_file(folder() / "boots.tsv"),
            "condition\tkernel\tseed\tstarted\tfinished\twall_seconds\trelease\tready_instructions\tlayout.stack\n"
            "quiet\tflat\t1\ts\tf\t0.1\t6.12.1\t2001\t4096\n"
            "quiet\tflat\t2\ts\tf\t0.1\t6.12.1\t2002\t8192\n"
            "quiet\tmulti\t1\ts\tf\t1.1\t6.12.1\t2001\t4096\n"
            "quiet\tmulti\t2\ts\tf\t2.2\t6.12.1\t2002\t8192\n");
  const std::string samples = *read_file(folder() / "samples.tsv");
  EXPECT_THAT(
      samples,
      testing::StartsWith(
          "condition\tkernel\tdepth\tbenchmark\tseed\tstatus\trefusal\titerations\tsum\tsum_first_half\tminimum\t"
          "median\tp90\tmaximum\tinvoluntary_switches\tlayout.tick_phase\n"
          "quiet\tflat\t0\tgetpid\t1\tok\t\t100\t30500\t15250\t304\t305\t305\t18446744073709551615\t1\t306\n"));
  EXPECT_THAT(samples, HasSubstr("flat\t2\tgetpid\t1\trefused\tEINVAL\t0\t0\t0\t0\t0\t0\t0\t0\t\n"));
}

// Each file is well formed, and the counts agree.
TEST_F(TextStoreTest, FilesOfTwoExportsAreNoRun) {
  EXPECT_THAT(error_after("samples.tsv", "\t30500\t", "\t61000\t"),
              HasSubstr("samples.tsv is not the file that run.json was written with"));
  EXPECT_THAT(error_after("boots.tsv", "flat\t2\ts\tf\t0.1", "flat\t2\ts\tf\t0.2"),
              HasSubstr("boots.tsv is not the file that run.json was written with"));

  ASSERT_EQ(refusal_of(made_up()), "it was written");
  StoredRun other = made_up();
  other.boots[0].samples[0].sum += 1;
  ASSERT_TRUE(write_text_run(other, folder("other")));
  // As an export that was killed after its first rename leaves them.
  std::filesystem::copy_file(folder("other") / "samples.tsv", folder() / "samples.tsv",
                             std::filesystem::copy_options::overwrite_existing);
  const auto mixed = read_text_run(folder());
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().message, HasSubstr("an export was interrupted"));
}

TEST_F(TextStoreTest, AWrongColumnIsNamed) {
  EXPECT_THAT(error_after("samples.tsv", "p90", "p95"), HasSubstr("samples.tsv:1: column 13 is 'p95', expected 'p90'"));
  EXPECT_THAT(error_after("boots.tsv", "\tlayout.stack", ""), HasSubstr("boots.tsv:1: column 9 is '', expected"));
}

TEST_F(TextStoreTest, ATruncatedFileIsSeen) {
  const std::string last =
      "quiet\tmulti\t2\tgetpid\t2\tok\t\t100\t32000\t16000\t319\t320\t320\t18446744073709551615\t1\t322\n";
  EXPECT_THAT(error_after("samples.tsv", last, ""), HasSubstr("samples.tsv:8: the file ends after 7 lines"));
  EXPECT_THAT(error_after("samples.tsv", "\t322\n", ""), HasSubstr("samples.tsv:9: the file ends within this line"));
  EXPECT_THAT(error_after("samples.tsv", "\t322\n", "\n"), HasSubstr("samples.tsv:9: this line has 15 fields"));
  EXPECT_THAT(error_after("run.json", "]\n  }\n}\n", ""), HasSubstr("this is no JSON, or the file ends too early"));
  ASSERT_EQ(refusal_of(made_up()), "it was written");
  ASSERT_TRUE(write_file(folder() / "boots.tsv", ""));
  EXPECT_THAT(read_text_run(folder()).error().message, HasSubstr("boots.tsv:0: the file ends after 0 lines"));
  fs::remove(folder() / "boots.tsv");
  EXPECT_EQ(read_text_run(folder()).error().exit, Exit::user);
}

TEST_F(TextStoreTest, AFieldThatIsNoNumberIsNamed) {
  EXPECT_THAT(error_after("samples.tsv", "\t30500\t", "\t305oo\t"),
              HasSubstr("samples.tsv:2: '305oo' is no number: the column is sum"));
  EXPECT_THAT(error_after("samples.tsv", "\t30500\t", "\t-30500\t"), HasSubstr("samples.tsv:2: '-30500' is no number"));
  EXPECT_THAT(error_after("samples.tsv", "\t30500\t", "\t\t"), HasSubstr("samples.tsv:2: '' is no number"));
  EXPECT_THAT(error_after("samples.tsv", "\t30500\t", "\t18446744073709551616\t"), HasSubstr("too large a sum"));
  EXPECT_THAT(error_after("samples.tsv", "flat\t0", "flat\t0x"), HasSubstr("the column is depth"));
  EXPECT_THAT(error_after("boots.tsv", "\t1.1\t", "\t1.1s\t"), HasSubstr("boots.tsv:4: '1.1s' is no number"));
  EXPECT_THAT(error_after("boots.tsv", "\t1.1\t", "\tnan\t"), HasSubstr("boots.tsv:4: a boot cannot take nan seconds"));
  EXPECT_THAT(error_after("boots.tsv", "\t1.1\t", "\tinf\t"), HasSubstr("boots.tsv:4: a boot cannot take inf seconds"));
  EXPECT_THAT(error_after("boots.tsv", "\t1.1\t", "\t-1\t"), HasSubstr("boots.tsv:4: a boot cannot take -1 seconds"));
  EXPECT_THAT(error_after("samples.tsv", "\tok\t", "\tgood\t"), HasSubstr("samples.tsv:2: the status is 'good'"));
}

TEST_F(TextStoreTest, DuplicatesAndStrangersAreNamed) {
  EXPECT_THAT(error_after("samples.tsv", "flat\t0\tgetpid\t2", "flat\t0\tgetpid\t1"),
              HasSubstr("samples.tsv:3: a second sample of getpid at depth 0 on flat with seed 1"));
  EXPECT_THAT(error_after("samples.tsv", "flat\t0\tgetpid\t2", "flat\t0\tgetpid\t3"),
              HasSubstr("samples.tsv:3: boots.tsv has no boot of flat with seed 3"));
  EXPECT_THAT(error_after("boots.tsv", "flat\t2", "flat\t1"), HasSubstr("boots.tsv:3: a second boot of flat"));
  EXPECT_THAT(error_after("boots.tsv", "flat\t2", "list\t2"), HasSubstr("boots.tsv:3: run.json has no kernel 'list'"));
  EXPECT_THAT(error_after("boots.tsv", "\t4096\n", "\t\n"),
              HasSubstr("samples.tsv:2: the sample has a layout, its boot in boots.tsv has none"));
}

TEST_F(TextStoreTest, AWrongHeadIsNamed) {
  EXPECT_THAT(error_after("run.json", "\"format\": 2", "\"format\": 3"),
              HasSubstr("has format 3, this nslab reads the formats 1 to 2"));
  EXPECT_THAT(error_after("run.json", "\"unit\":", "\"units\":"), HasSubstr("run.json: there is no \"unit\""));
  EXPECT_THAT(error_after("run.json", "\"boots\": 4", "\"boots\": -4"), HasSubstr("\"boots\" is no whole number"));
  EXPECT_THAT(error_after("run.json", "\"boots\": 4,", "\"boots\": 4;"), HasSubstr("run.json:12: this is no JSON"));
  EXPECT_THAT(error_after("run.json", "\"stack\": \"boots\"", "\"stack\": \"disk\""),
              HasSubstr("neither in \"boots\""));
  EXPECT_THAT(error_after("run.json", "\"unit\": \"ns\"", "\"unit\": \"s\""), HasSubstr("run 0"));
  EXPECT_THAT(error_after("run.json", "\"base\": \"linux-6.12\"", "\"base\": 6"), HasSubstr("\"base\" is no text"));
}

TEST_F(TextStoreTest, WhatTheTextWouldLoseIsRefused) {
  StoredRun run = made_up();
  run.boots[0].manifest = boot_manifest(7);
  EXPECT_THAT(refusal_of(run), HasSubstr("another QEMU command line"));
  run = made_up();
  run.boots[0].manifest = R"({"release":"6.12.1","weather":"fair"})";
  EXPECT_THAT(refusal_of(run), HasSubstr("does not come back as it was"));
  run = made_up();
  run.boots[0].samples[0].benchmark = "get\tpid";
  EXPECT_THAT(refusal_of(run), HasSubstr("cannot be written as text"));
  run = made_up();
  run.boots[0].samples[0].layout = R"({"tick_phase":1.5,"stack":1})";
  EXPECT_THAT(refusal_of(run), HasSubstr("something else than whole numbers and texts"));
  run = made_up();
  run.boots[0].kernel_hash = "ghi";
  EXPECT_THAT(refusal_of(run), HasSubstr("two kernels that are named multi"));
  EXPECT_FALSE(fs::exists(folder()));
}

// As a boot of today is stored: it goes on from a saved guest, and functions are counted.
TEST_F(TextStoreTest, ABootFromASavedGuestIsExported) {
  StoredRun run = made_up();
  run.run.manifest =
      R"({"accelerator":"kvm","qemu_command":["qemu","-seed","0","-kernel","VMLINUX","-plugin","file=./GUARD","-plugin",)"
      R"("file=./ATTRIBUTION,symbols=SYMBOLS,output=COUNTS"]})";
  const auto manifest = [](const std::string& counts, const std::string& more) {
    return fmt::format(R"({{"command":["qemu","-seed","2","-kernel","vmlinux","-plugin","file=./guard.so","-plugin",)"
                       R"("file=./attribution.so,symbols=symbols,output={}","-chardev","socket,id=qmp,fd=9","-mon",)"
                       R"("chardev=qmp,mode=control","-incoming","{}"]}})",
                       counts, more);
  };
  run.boots.resize(1);
  run.boots[0].manifest = manifest("counts", "fd:7");
  EXPECT_EQ(refusal_of(run), "it was written");
  run.boots[0].manifest = manifest("counts", "exec:cat");
  EXPECT_THAT(refusal_of(run), testing::HasSubstr("another QEMU command line"));
  run.boots[0].manifest = manifest("other", "fd:7");
  EXPECT_THAT(refusal_of(run), testing::HasSubstr("another QEMU command line"));
}

TEST_F(TextStoreTest, ALayoutThatNoSampleVariesStaysWithTheSamples) {
  StoredRun run = made_up();
  for (BootRecord& boot : run.boots) {
    for (Sample& sample : boot.samples) {
      if (!sample.layout.empty()) sample.layout = R"({"stack":1})";
    }
  }
  ASSERT_EQ(refusal_of(run), "it was written");
  EXPECT_THAT(*read_file(folder() / "samples.tsv"), HasSubstr("layout.stack\n"));
}

TEST_F(TextStoreTest, LayoutsMayHaveTextsAndMembersThatOthersLack) {
  StoredRun run = made_up();
  int number = 0;
  for (BootRecord& boot : run.boots) {
    for (Sample& sample : boot.samples) {
      if (sample.layout.empty()) continue;
      ++number;
      const std::string only_some = number % 2 == 0 ? R"("count":12,)" : "";
      sample.layout = fmt::format(R"({{"clock":"kvm-clock",{}"tick_phase":-{}}})", only_some, number);
    }
  }
  ASSERT_EQ(refusal_of(run), "it was written");
  EXPECT_THAT(*read_file(folder() / "samples.tsv"), HasSubstr("layout.count\tlayout.tick_phase\n"));
  std::string boots = *read_file(folder() / "boots.tsv");
  ASSERT_THAT(boots, HasSubstr("\t\"kvm-clock\"\n"));
  ASSERT_TRUE(write_file(folder() / "boots.tsv", boots.replace(boots.find("\"kvm-clock\""), 11, "kvm-clock")));
  EXPECT_THAT(read_text_run(folder()).error().message,
              HasSubstr("layout.clock is 'kvm-clock', expected is a whole number or a text in quotation marks"));
}

TEST_F(TextStoreTest, ARunIsFoundByItsNumberAndAStoreGoesFirst) {
  ASSERT_EQ(refusal_of(made_up()), "it was written");
  EXPECT_TRUE(is_text_run(folder()));
  EXPECT_TRUE(load_stored_run(folder(), 0));
  EXPECT_THAT(load_stored_run(folder(), 3).error().message, HasSubstr("there is no run 3"));
  EXPECT_EQ(load_stored_run(folder("nothing"), std::nullopt).error().exit, Exit::user);
  ASSERT_TRUE(Store::open(folder().string()));
  EXPECT_FALSE(is_text_run(folder()));
  EXPECT_THAT(refusal_of(made_up()), HasSubstr("has a store"));
}

TEST_F(TextStoreTest, ANewerRunReplacesAnOlderOneAndNoOtherExperiment) {
  ASSERT_EQ(refusal_of(made_up()), "it was written");
  ASSERT_TRUE(write_file(folder() / "report.md", "# nslab report: made-up (run 1)\n\n- started: long ago\n"));
  StoredRun run = made_up();
  run.run.started = "2025-01-02T00:00:00Z";
  EXPECT_EQ(refusal_of(run), "it was written");
  run.run.experiment = "other";
  EXPECT_THAT(refusal_of(run), HasSubstr("has run 0 of made-up, of 2025-01-02T00:00:00Z, in its text form: name"));
  for (const char* file : {"run.json", "boots.tsv", "samples.tsv"}) fs::remove(folder() / file);
  EXPECT_THAT(refusal_of(run), HasSubstr("has the report of another run, 'nslab report: made-up (run 1)' of long ago"));
}

}  // namespace
}  // namespace nslab
