// SPDX-License-Identifier: GPL-2.0
//
// A run in its text form through the verbs, and the reference runs of this checkout with the pages that quote them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "files.h"
#include "loaded_run.h"
#include "paths.h"
#include "processes.h"
#include "report.h"
#include "test_command_line.h"
#include "test_samples.h"
#include "text_store.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// multi costs 310 and 311, flat 300 and 301; made by a QEMU that nobody has.
Result<void> make_store(const fs::path& folder, const std::string& experiment = run_record().experiment) {
  Store store = TRY(Store::open(folder.string()));
  RunRecord fresh = run_record();
  fresh.experiment = experiment;
  fresh.manifest = R"({"experiment": "", "accelerator": "tcg with icount", "qemu": "QEMU 0.1"})";
  fresh.boots_planned = 4;
  const RunRecord run = TRY(store.begin("key", fresh));
  for (const char* kernel : {"multi", "flat"}) {
    for (const std::uint64_t seed : {1, 2}) {
      const Sample getpid = sample(kernel, 0, "getpid", seed, (*kernel == 'm' ? 309 : 299) + seed);
      TRY(store.add(run.id, {kernel, kernel, seed, 1, "s", "f", "{}", {getpid}}));
    }
  }
  return store.finish(run.id, "2025-01-01T01:00:00Z");
}

/// The folders of the reference runs that are in this checkout.
std::vector<fs::path> references() {
  std::vector<fs::path> folders;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(find_paths()->root / "results" / "reference", none)) {
    if (is_text_run(entry.path())) folders.push_back(entry.path());
  }
  return folders;
}

std::set<std::string> files_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

class TextRunVerbs : public testing::Test {
 protected:
  TextRunVerbs() : folder_(std::move(*TempFolder::make(testing::TempDir(), "text-run"))) {
    const auto made = make_store(folder_.path() / "small");
    EXPECT_TRUE(made) << made.error().message;
  }
  std::string path(const char* name) const { return (folder_.path() / name).string(); }

 private:
  TempFolder folder_;
};

const std::set<std::string> kTextFiles = {"boots.tsv", "run.json", "samples.tsv"};

TEST_F(TextRunVerbs, AnAbortedRunDoesNotHideAFinishedOne) {
  ASSERT_TRUE(make_store(path("aborted")));
  {
    Store store = std::move(*Store::open(path("aborted")));
    ASSERT_TRUE(store.begin("another key", run_record()));
  }
  const Ended report = nslab({"report", path("aborted")});
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_THAT(report.output, HasSubstr("(run 1)"));
  EXPECT_THAT(report.errors,
              HasSubstr("this is run 1; run 2 is newer and not finished (0 of 6 boots): --run 2 shows it"));
}

TEST_F(TextRunVerbs, TheNewestResultsAreTheNewestThatHaveSomethingToShow) {
  const fs::path all = fs::path(path("small")).parent_path();
  const auto written = [](const fs::path& folder, int days) {
    fs::last_write_time(folder / "nslab.sqlite", fs::file_time_type::clock::now() + std::chrono::hours(24 * days));
  };
  ASSERT_TRUE(make_store(path("older")));
  written(path("older"), -1);
  ASSERT_TRUE(make_folders(path("no store")));
  ASSERT_TRUE(Store::open(path("no run")));
  written(path("no run"), 1);
  ASSERT_TRUE(Store::open(path("no boot"))->begin("key", run_record()));
  written(path("no boot"), 2);
  ASSERT_TRUE(make_folders(path("damaged")));
  ASSERT_TRUE(write_file(path("damaged") + "/nslab.sqlite", "this is no store, but as long as one might be"));
  written(path("damaged"), 3);
  testing::internal::CaptureStderr();
  const auto newest = newest_results(all);
  const std::string said = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(newest) << newest.error().message;
  EXPECT_EQ(*newest, path("small"));
  EXPECT_THAT(said, AllOf(HasSubstr("nslab: " + path("no run") + " is passed over: there is no run in "),
                          HasSubstr("nslab: " + path("no boot") + " is passed over: run 1 has no boot yet\n"),
                          HasSubstr("nslab: " + path("damaged") + " is passed over: "), Not(HasSubstr("older")),
                          Not(HasSubstr("/no store"))));

  // What 'nslab why' has measured answers its own question alone.
  ASSERT_TRUE(make_store(path("why"), kWhyExperiment));
  written(path("why"), 4);
  testing::internal::CaptureStderr();
  EXPECT_EQ(*newest_results(all), path("small"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("/why")));
  ASSERT_EQ(nslab({"export", path("small"), "--output", path("text")}).exit_code, 0);
  const Ended hidden = nslab({"why", "multi", "flat", "getpid", "--results", path("text")});
  EXPECT_EQ(hidden.exit_code, 2);
  EXPECT_THAT(hidden.errors, HasSubstr("has a run in its text form, which a new store would hide"));
  EXPECT_FALSE(fs::exists(path("text") + "/nslab.sqlite"));
  const Ended asked = nslab({"why", "multi", "flat", "getpid", "--results", path("small")});
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.errors, HasSubstr("has results of 'small': name a folder of its own with --results"));
  ASSERT_TRUE(make_folders(path("notes")));
  ASSERT_TRUE(write_file(path("notes") + "/why.txt", "mine"));
  const Ended over = nslab({"why", "multi", "flat", "getpid", "--results", path("why"), "--output", path("notes")});
  EXPECT_EQ(over.exit_code, 2);
  EXPECT_THAT(over.errors, HasSubstr("why.txt is there, and 'nslab why' did not write it: name another folder"));

  fs::remove_all(path("small"));
  fs::remove_all(path("older"));
  testing::internal::CaptureStderr();
  const auto none = newest_results(all);
  testing::internal::GetCapturedStderr();
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("there are no results yet"));
}

TEST_F(TextRunVerbs, ReportAndCompareReadItAsAStoreAndWriteNothingIntoIt) {
  const Ended exported = nslab({"export", path("small"), "--output", path("text")});
  ASSERT_EQ(exported.exit_code, 0) << exported.errors;
  EXPECT_THAT(exported.output, HasSubstr("4 boots, 4 samples"));
  EXPECT_EQ(files_in(path("text")), kTextFiles);

  const Ended report = nslab({"report", path("text")});
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_THAT(report.output, HasSubstr("−10 exact"));
  EXPECT_THAT(report.output, HasSubstr("nothing was written: --output FOLDER"));
  const Ended compared = nslab({"compare", "multi", "flat", "--results", path("text")});
  EXPECT_EQ(compared.exit_code, 0) << compared.errors;
  EXPECT_EQ(compared.output, nslab({"compare", "multi", "flat", "--results", path("small")}).output);
  EXPECT_EQ(files_in(path("text")), kTextFiles);

  const Ended written = nslab({"report", path("text"), "--output", path("page")});
  EXPECT_EQ(written.exit_code, 0) << written.errors;
  EXPECT_TRUE(fs::exists(path("page") + "/report.html"));
  const Ended of_store = nslab({"report", path("small")});
  EXPECT_EQ(of_store.exit_code, 0) << of_store.errors;
  EXPECT_EQ(*read_file(path("page") + "/report.md"), *read_file(path("small") + "/report.md"));
  EXPECT_EQ(files_in(path("text")), kTextFiles);
}

TEST_F(TextRunVerbs, TheHeadSaysWhatIsNotOfToday) {
  const Ended report = nslab({"report", path("small"), "--format", "markdown"});
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_THAT(report.output, HasSubstr("NOT OF TODAY: the run was made with QEMU 0.1, this machine has QEMU"));
  EXPECT_THAT(report.output, Not(HasSubstr("initramfs"))) << "this run does not say which it had";
}

TEST_F(TextRunVerbs, MistakesEndWith2) {
  EXPECT_EQ(nslab({"export", path("small")}).exit_code, 2);
  EXPECT_EQ(nslab({"export", path("nothing"), "--output", path("text")}).exit_code, 2);
  EXPECT_EQ(nslab({"export", path("small"), "--run", "2", "--output", path("text")}).exit_code, 2);
  EXPECT_EQ(nslab({"export", path("small"), "--output", path("small")}).exit_code, 2);
  ASSERT_EQ(nslab({"export", path("small"), "--output", path("text")}).exit_code, 0);
  ASSERT_TRUE(write_file(path("text") + "/samples.tsv", "condition\n"));
  const Ended report = nslab({"report", path("text")});
  EXPECT_EQ(report.exit_code, 2);
  EXPECT_THAT(report.errors, HasSubstr("samples.tsv:1: column 2"));
}

TEST_F(TextRunVerbs, CiteRenewsAPageAndChecksIt) {
  const std::string page = path("page.md");
  ASSERT_TRUE(write_file(page,
                         "<!-- table: cost small depth=0 kernels=multi,flat benchmarks=getpid -->\n"
                         "<!-- end of table -->\n"));
  const std::string here = fs::path(page).parent_path().string();
  const Ended before = nslab({"cite", "--check", page, "--references", here});
  EXPECT_EQ(before.exit_code, 1);
  EXPECT_THAT(before.errors,
              HasSubstr("page.md:2: the page has\n  <!-- end of table -->\nthe runs say\n  | depth 0 |"));
  EXPECT_EQ(nslab({"cite", page, "--references", here}).exit_code, 0);
  EXPECT_THAT(*read_file(page), HasSubstr("| getpid | 310.5 ± 6.4 | 300.5 ± 6.4<br>−10 exact |"));
  EXPECT_EQ(nslab({"cite", "--check", page, "--references", here}).exit_code, 0);
}

TEST_F(TextRunVerbs, AReportBeginsAndEndsWithTheAnswer) {
  const Ended report = nslab({"report", path("small")});
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  const std::string answer =
      "compared        multi and flat at depth 0, in 1 benchmark: mean instructions per operation, 2 boots a cell";
  const std::string page = "page            " + path("small") + "/report.html\n";
  EXPECT_EQ(std::min(report.output.find(answer), report.output.find("meter  ")), report.output.find(answer));
  EXPECT_EQ(std::min(report.output.find(page), report.output.find("meter  ")), report.output.find(page));
  const std::string end = report.output.substr(report.output.find("\nIn short\n"));
  EXPECT_THAT(end, AllOf(HasSubstr(answer), HasSubstr(page), HasSubstr("flat −10 exact (−3.22 %)"),
                         HasSubstr(path("small") + "/overhead.png")));
}

TEST_F(TextRunVerbs, ReportsOfTwoRunsDoNotMixInAFolder) {
  ASSERT_EQ(nslab({"report", path("small"), "--output", path("page")}).exit_code, 0);
  const std::string before = *read_file(path("page") + "/report.md");
  // The same run once more, by another statistic, is the same report.
  EXPECT_EQ(nslab({"report", path("small"), "--output", path("page"), "--statistic", "minimum"}).exit_code, 0);
  EXPECT_EQ(nslab({"report", path("small"), "--output", path("page")}).exit_code, 0);
  for (const fs::path& other : references()) {
    const Ended mixed = nslab({"report", other.string(), "--output", path("page")});
    EXPECT_EQ(mixed.exit_code, 2);
    EXPECT_THAT(mixed.errors, HasSubstr("has the report of another run, 'nslab report: small (run 1)' of "));
    EXPECT_EQ(*read_file(path("page") + "/report.md"), before);
    // Nor into a folder that has another run's results and no report yet.
    ASSERT_EQ(nslab({"export", path("small"), "--output", path("text")}).exit_code, 0);
    EXPECT_EQ(nslab({"report", other.string(), "--output", path("text")}).exit_code, 2);
    EXPECT_EQ(nslab({"export", other.string(), "--output", path("text")}).exit_code, 2);
    EXPECT_EQ(files_in(path("text")), kTextFiles);
    break;  // one will do
  }
}

TEST_F(TextRunVerbs, AReportInItsOwnFolderTellsWhoseReportItReplaces) {
  {
    Store store = std::move(*Store::open(path("small")));
    RunRecord second = run_record();
    second.started = "2026-11-24T20:00:00Z";
    second.boots_planned = 1;
    const auto run = store.begin("another key", second);
    ASSERT_TRUE(run);
    ASSERT_TRUE(store.add(run->id, {"multi", "multi", 9, 1, "s", "f", "{}", {sample("multi", 0, "getpid", 9, 320)}}));
    ASSERT_TRUE(store.finish(run->id, "2026-11-24T21:00:00Z"));
  }
  const Ended first = nslab({"report", path("small"), "--run", "1"});
  EXPECT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(first.errors, "");
  EXPECT_EQ(nslab({"report", path("small"), "--run", "1"}).errors, "") << "the same report once more";
  const Ended other = nslab({"report", path("small")});
  EXPECT_EQ(other.exit_code, 0);
  EXPECT_EQ(other.errors, "nslab: " + path("small") +
                              " had the report of another run, 'nslab report: small (run 1)' of 2026-11-23T20:00:00Z: "
                              "this report of run 2 replaces it\n");
}

TEST_F(TextRunVerbs, WithoutGnuplotAllElseIsWrittenAndShown) {
  ASSERT_EQ(nslab({"report", path("small")}).exit_code, 0);
  const std::string picture = *read_file(path("small") + "/overhead.svg");
  set_program_path("/nonexistent");
  const Ended report = nslab({"report", path("small")});
  set_program_path("");
  EXPECT_EQ(report.exit_code, 3);
  EXPECT_THAT(report.output, HasSubstr("−10 exact"));
  EXPECT_THAT(report.errors, AllOf(HasSubstr("apt-get install gnuplot-nox"), testing::EndsWith("\n")));
  EXPECT_EQ(std::count(report.errors.begin(), report.errors.end(), '\n'), 1) << "one line: " << report.errors;
  EXPECT_THAT(*read_file(path("small") + "/report.md"), HasSubstr("−10 exact"));
  EXPECT_THAT(*read_file(path("small") + "/report.html"), Not(HasSubstr("<figure>")));
  EXPECT_EQ(*read_file(path("small") + "/overhead.svg"), picture) << "a good picture stays";
}

// The text form has no trees of calls: what they would say is missing, and said to be.
TEST_F(TextRunVerbs, ARunWhoseCallsAreNotThereIsMerged) {
  const std::string smoke = (find_paths()->root / "results/reference/smoke").string();
  const Ended merged = nslab({"merge", smoke, "--output", path("merged")});
  EXPECT_EQ(merged.exit_code, 0) << merged.errors;
  EXPECT_THAT(merged.errors, HasSubstr("text form, which does not keep the calls"));
  EXPECT_THAT(merged.output, HasSubstr("40 boots from 1 folder stored in"));
  const Ended report = nslab({"report", path("merged"), "--format", "markdown"});
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_THAT(report.output, HasSubstr("what the differences are made of is not in these results"));
}

TEST_F(TextRunVerbs, WhatOnlyReadsNeedsNoHome) {
  const WithEnvironment homeless{{"HOME", {}}, {"NSLAB_CACHE", {}}, {"XDG_CACHE_HOME", {}}};
  EXPECT_EQ(nslab({"report", path("small")}).exit_code, 0);
  EXPECT_EQ(nslab({"compare", "multi", "flat", "--results", path("small")}).exit_code, 0);
  EXPECT_EQ(nslab({"export", path("small"), "--output", path("text")}).exit_code, 0);
  EXPECT_EQ(nslab({"merge", path("text"), "--output", path("both")}).exit_code, 0);
  EXPECT_EQ(nslab({"completion"}).exit_code, 0);
  ASSERT_TRUE(write_file(path("page.md"), "nothing is quoted\n"));
  EXPECT_EQ(nslab({"cite", "--check", path("page.md")}).exit_code, 0);
  const Ended list = nslab({"kernel", "list"});
  EXPECT_EQ(list.exit_code, 3);
  EXPECT_THAT(list.errors, HasSubstr("set NSLAB_CACHE"));
}

TEST(ReferenceRuns, AreReadWholeAndAreWrittenBackByteByByte) {
  for (const fs::path& folder : references()) {
    const auto run = read_text_run(folder);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->run.experiment, folder.filename());
    EXPECT_EQ(run->run.boots_done, run->run.boots_planned) << folder;
    const auto copy = TempFolder::make(testing::TempDir(), "reference");
    ASSERT_TRUE(copy) << copy.error().message;
    const auto written = write_text_run(*run, copy->path());
    ASSERT_TRUE(written) << written.error().message;
    for (const std::string& file : kTextFiles) {
      EXPECT_EQ(*read_file(folder / file), *read_file(copy->path() / file)) << folder / file;
      EXPECT_LT(fs::file_size(folder / file), 1U << 20) << folder / file << ": too large to be committed";
    }
  }
}

/// The p-value of a permutation test of 'no difference' (Fisher, The Design of Experiments, 1935, section 21): the
/// share of all ways to choose the signs of the differences that give as large a sum as theirs.
double permutation_p(const std::vector<double>& differences) {
  const unsigned ways = 1U << differences.size();
  const auto sum_of = [&](unsigned signs) {
    double sum = 0;
    for (std::size_t i = 0; i < differences.size(); ++i)
      sum += (signs >> i & 1U) != 0 ? differences[i] : -differences[i];
    return std::abs(sum);
  };
  const double seen = sum_of(ways - 1);
  unsigned as_large = 0;
  for (unsigned signs = 0; signs < ways; ++signs) as_large += sum_of(signs) >= seen - 1e-9;
  return static_cast<double>(as_large) / ways;
}

// docs/statistics.md, "How often is it wrong?": the t test wants normal differences, and the permutation test does not.
TEST(ReferenceRuns, TheTTestAgreesWithAPermutationTest) {
  int cells = 0;
  int agree = 0;
  for (const fs::path& folder : references()) {
    const auto run = read_text_run(folder);
    ASSERT_TRUE(run) << run.error().message;
    for (const Statistic statistic : {Statistic::mean, Statistic::minimum}) {
      std::map<CellKey, SeedValues> values;
      for (const Sample& s : run->samples()) {
        if (s.status == CellStatus::ok) values[{s.benchmark, s.kernel, s.depth}].add(s, statistic);
      }
      for (const auto& [key, b] : values) {
        const auto a = values.find({key.benchmark, "multi", key.depth});
        if (key.kernel == "multi" || a == values.end()) continue;
        const Pairs pairs = pairs_of(a->second, b);
        const Comparison c = compare_pairs(pairs, 0.95, 1);
        if (c.pairs != 10 || c.exact) continue;
        std::vector<double> differences;
        for (std::size_t i = 0; i < pairs.a.size(); ++i) differences.push_back(pairs.b[i] - pairs.a[i]);
        ++cells;
        agree += (*c.p < 0.05) == (permutation_p(differences) < 0.05);
      }
    }
  }
  RecordProperty("cells", cells);
  RecordProperty("agree", agree);
  EXPECT_GT(cells, 100);
  EXPECT_GE(agree, 0.97 * cells) << agree << " of " << cells;
}

TEST(ReferenceRuns, TheDigitsOfThePagesAreTheirs) {
  const fs::path root = find_paths()->root;
  std::vector<std::string> words = {"cite", "--check", (root / "README.md").string()};
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") words.push_back(entry.path().string());
  }
  const Ended checked = nslab(words);
  EXPECT_EQ(checked.exit_code, 0) << checked.errors;
}

}  // namespace
}  // namespace nslab
