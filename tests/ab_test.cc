// SPDX-License-Identifier: GPL-2.0
//
// A range of commits, one of which costs a known number of instructions, on the real source.
#include <map>

#include "json.h"
#include "lab_support.h"
#include "text.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

/// A git repository without files of its own, whose commits are made from the base's source.
class Repository {
 public:
  Repository() {
    const fs::path source = must(KernelBuilder(paths()).source_tree(spec("multi").base, /*patched=*/false));
    const Captured made = must(run_captured({.argv = {"git", "init", "-q", "--bare", folder_.path()}}));
    EXPECT_EQ(made.status, 0) << made.output;
    run({"add", "-A", "-f", "--", "."}, source);
    source_ = source;
  }

  const fs::path& path() const { return folder_.path(); }

  /// Commits a file with `found` replaced. Returns the commit.
  std::string commit(const std::string& subject, const std::string& file = "", const std::string& found = "",
                     const std::string& put = "") {
    if (!file.empty()) {
      std::string& text = files_.try_emplace(file, must(read_file(source_ / file))).first->second;
      const auto at = text.find(found);
      EXPECT_NE(at, std::string::npos) << found;
      text.replace(at, found.size(), put);
      EXPECT_TRUE(write_file(folder_.path() / "changed", text));
      const std::string blob = run({"hash-object", "-w", "--", folder_.path() / "changed"}, source_);
      run({"update-index", "--cacheinfo", "100644," + blob + "," + file}, source_);
    }
    std::vector<std::string> words = {"commit-tree", run({"write-tree"}, source_), "-m", subject};
    if (!last_.empty()) words.insert(words.end(), {"-p", last_});
    last_ = run(words, source_);
    run({"update-ref", "refs/heads/main", last_}, source_);
    return last_;
  }

 private:
  std::string run(std::vector<std::string> words, const fs::path& work_tree) const {
    words.insert(words.begin(),
                 {"git", "-c", "core.compression=0", "-c", "user.name=n", "-c", "user.email=n@example.org"});
    const Captured captured = must(
        run_captured({.argv = words,
                      .folder = work_tree,
                      .environment = {{"GIT_DIR", folder_.path().string()}, {"GIT_WORK_TREE", work_tree.string()}}}));
    EXPECT_EQ(captured.status, 0) << captured.output;
    return captured.output.substr(0, captured.output.find('\n'));
  }

  TempFolder folder_ = folder();
  fs::path source_;
  std::map<std::string, std::string> files_;  ///< as the last commit has them
  std::string last_;
};

TEST(Ab, ARangeFindsTheCommitThatCostsToTheInstruction) {
  Repository repository;
  const std::string begin =
      "struct pid *alloc_pid(struct pid_namespace *ns, pid_t *set_tid,\n\t\t      size_t set_tid_size)\n{\n";
  const std::string first = repository.commit("the beginning");
  repository.commit("a comment", "kernel/pid.c", begin, "/* It counts. */\n" + begin);
  const std::string mutex = "static DEFINE_MUTEX(pid_caches_mutex);\n";
  const std::string broken =
      repository.commit("it does not build", "kernel/pid_namespace.c", mutex, mutex + "#error no\n");
  repository.commit("it does again", "kernel/pid_namespace.c", "#error no\n", "");
  const std::string declarations = "\tstruct upid *upid;\n\tint retval = -ENOMEM;\n";
  const std::string dear =
      repository.commit("a hundred instructions more in each alloc_pid()", "kernel/pid.c", declarations,
                        declarations + "\n\tasm volatile(\".rept 100; nop; .endr\");\n");
  repository.commit("another name", "Makefile", "NAME = ", "NAME = Also ");

  const TempFolder work = folder();
  std::vector<std::string> command = {"ab",
                                      repository.path(),
                                      first + "..main",
                                      "--profile",
                                      "mini",
                                      "--force-profile",
                                      "--bench",
                                      "getpid,fork_exit_wait",
                                      "--depth",
                                      "0",
                                      "--boots",
                                      "2",
                                      "--format",
                                      "json",
                                      "--results",
                                      work.path() / "results"};
  Command run = nslab_command(command);
  const fs::path out = work.path() / "out.json";
  run.argv.insert(run.argv.begin(), {"sh", "-c", "exec \"$@\" >\"$0\"", out});
  const Captured searched = must(run_captured(run));
  ASSERT_EQ(searched.status, 0) << searched.output;
  const Json found = *parse_json(must(read_file(out)));

  ASSERT_EQ(found["moves"].size(), 1U) << found;
  const Json& move = found["moves"][0];
  EXPECT_TRUE(dear.starts_with(move["commit"].get<std::string>())) << move;
  EXPECT_EQ(move["subject"], "a hundred instructions more in each alloc_pid()");
  EXPECT_EQ(found["measured"].size(), 4U) << "the ends, and what halving looks at";
  ASSERT_EQ(found["unmeasurable"].size(), 1U) << "it was in the middle, and is passed over: " << found;
  EXPECT_TRUE(broken.starts_with(found["unmeasurable"][0].get<std::string>())) << found;
  EXPECT_EQ(found["range"]["seeds"].size(), 2U) << "one for each boot of a kernel: " << found["range"];
  EXPECT_THAT(found["range"]["qemu"].get<std::string>(), testing::HasSubstr("QEMU"));
  bool seen = false;
  for (const Json& cell : move["cells"]) {
    if (cell["benchmark"] != "fork_exit_wait") {
      EXPECT_FALSE(cell.contains("changed_code")) << cell;
      continue;
    }
    seen = true;
    // alloc_pid() is called once a fork; two of the instructions around it may be others.
    EXPECT_NEAR(cell["changed_code"]["difference"].get<double>(), 100, 5) << cell;
  }
  EXPECT_TRUE(seen);
  EXPECT_TRUE(fs::exists(work.path() / "results/versions.svg")) << "the plot over the commits";

  // A gate says no, and its reason; nothing is built or booted for it.
  command.insert(command.end(), {"--fail-if", "fork_exit_wait>50,getpid>1"});
  const Captured gate = nslab(command);
  EXPECT_EQ(gate.status, 1 << 8) << gate.output;
  EXPECT_THAT(gate.output, testing::HasSubstr("fork_exit_wait>50: at depth 0 it is"));
  EXPECT_THAT(gate.output, testing::Not(testing::HasSubstr("getpid>1: at")));
}

}  // namespace
}  // namespace nslab::lab
