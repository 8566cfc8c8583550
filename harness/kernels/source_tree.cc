// SPDX-License-Identifier: GPL-2.0
#include "source_tree.h"

#include <map>
#include <utility>

#include "files.h"
#include "hash.h"
#include "kernel_config.h"
#include "kernel_inputs.h"
#include "kernel_make.h"
#include "kernel_table.h"
#include "output.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "tree:";
constexpr std::string_view kConfig = ",config=";
constexpr std::string_view kLlvm = ",llvm";

/// Where one tree is checked out and built, and the lock that keeps others out.
struct TreePlace {
  FileLock lock;
  fs::path folder;

  fs::path git() const { return folder / "git"; }        ///< a repository of our own, with the user's objects
  fs::path source() const { return folder / "source"; }  ///< what is checked out
};

/// Runs git, wherever and whosever its files are. What it prints has no newline at its end.
Result<Captured> run_git(std::vector<std::string> words, const fs::path& folder,
                         const std::map<std::string, std::string>& environment) {
  words.insert(words.begin(), {"git", "-c", "safe.directory=*"});
  auto run = TRY(run_captured({.argv = words, .folder = folder, .environment = environment}));
  run.output = without_last_newlines(run.output);
  return run;
}

/// Runs git on our repository, with `work` as its work tree and an index of its own.
Result<Captured> git(const TreePlace& place, const fs::path& work, const char* index, std::vector<std::string> words) {
  words.insert(words.begin(), {"-c", "core.compression=0", "-c", "gc.auto=0"});
  return run_git(std::move(words), work,
                 {{"GIT_CONFIG_NOSYSTEM", "1"},  // how files are read is no setting of this machine
                  {"GIT_DIR", place.git().string()},
                  {"GIT_WORK_TREE", work.string()},
                  {"GIT_INDEX_FILE", (place.folder / index).string()}});
}

Result<void> done(const Result<Captured>& run, const std::string& what) {
  if (!run) return run.error();
  if (run->status == 0) return {};
  return machine_error("git cannot {} ({}):\n{}", what, describe_status(run->status), run->output);
}

Result<TreePlace> place_of(const fs::path& folder, const KernelCache& cache) {
  const std::string name = sha256(folder.string()).substr(0, 16);
  TreePlace place{TRY(cache.lock_tree(name)), cache.tree_folder(name)};
  TRY(make_folders(place.source()));
  if (is_there(place.git() / "HEAD")) return place;
  TRY(done(run_git({"init", "-q", "--bare", place.git().string()}, "", {}), "make a repository"));
  return place;
}

/// Lets our repository find the objects of the user's. False: the folder is no repository.
Result<bool> borrow_objects(const TreePlace& place, const fs::path& folder) {
  const auto objects = TRY(ask_git(folder, {"rev-parse", "--path-format=absolute", "--git-path", "objects"}));
  const bool repository = objects.status == 0;
  TRY(make_folders(place.git() / "objects/info"));
  TRY(write_file(place.git() / "objects/info/alternates", repository ? objects.output + "\n" : ""));
  return repository;
}

/// Git's id of the tree's files as they are. Files that it ignores are left out, unless the last commit has them: git
/// goes on following those, and Debian's source ignores all of Linux.
Result<std::string> id_of_work_tree(const TreePlace& place, const fs::path& folder, bool repository) {
  std::error_code none;
  fs::remove(place.folder / "worktree.index.lock", none);  // of a git that was killed; we hold the lock
  const auto head = repository
                        ? TRY(ask_git(folder, {"rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{tree}"}))
                        : Captured{.status = 1, .output = ""};
  if (head.status == 0) {
    // Merged, so that what is known of unchanged files need not be found out anew.
    std::vector<std::string> read = {"read-tree", head.output};
    if (is_there(place.folder / "worktree.index")) read.insert(read.begin() + 1, "-m");
    TRY(done(git(place, folder, "worktree.index", read), "read the last commit of " + folder.string()));
  }
  TRY(done(git(place, folder, "worktree.index", {"add", "-A", "--", "."}), "read " + folder.string()));
  auto id = TRY(git(place, folder, "worktree.index", {"write-tree"}));
  TRY(done(id, "name the files of " + folder.string()));
  return id.output;
}

/// Brings the files of a tree of git's to source/, and leaves those alone that are the same.
Result<void> check_out(const TreePlace& place, const std::string& id) {
  constexpr const char* kIndex = "source.index";
  std::error_code none;
  fs::remove(place.folder / (std::string(kIndex) + ".lock"), none);
  TRY(done(git(place, place.source(), kIndex, {"read-tree", "--reset", "-u", id}), "check out " + id));
  // What a git that was killed had written already, and not yet noted.
  return done(git(place, place.source(), kIndex, {"checkout-index", "-a", "-f", "-q"}), "check out " + id);
}

/// "6.12.117" by the first lines of Linux' Makefile; empty: it is no Linux.
std::string version_in(const std::string& makefile) {
  std::string version;
  for (const std::string& line : lines_of(makefile.substr(0, 1000))) {
    for (const std::string_view part : {"VERSION = ", "PATCHLEVEL = ", "SUBLEVEL = "}) {
      if (line.starts_with(part)) version += (version.empty() ? "" : ".") + line.substr(part.size());
    }
  }
  return version;
}

/// The settings that the source knows, a line each.
std::string known_settings(const std::string& settings, const std::set<std::string>& options) {
  std::string known;
  for (const std::string& setting : settings_of(settings)) {
    if (options.contains(option_of(setting))) known += setting + "\n";
  }
  return known;
}

/// Debian's config for that version, where it is there, or else that of the base which was asked for.
fs::path config_for(const std::string& version, const Base& asked, const std::vector<Base>& bases) {
  for (const Base& base : bases) {
    if ((version + ".").starts_with(base.version() + ".") && is_there(base.debian_config)) return base.debian_config;
  }
  return asked.debian_config;
}

}  // namespace

Result<Captured> ask_git(const fs::path& repository, std::vector<std::string> words) {
  words.insert(words.begin(), {"-C", repository.string()});
  return run_git(std::move(words), "", {});
}

Result<std::set<std::string>> options_of_source(const fs::path& tree) {
  std::set<std::string> options;
  std::error_code error;
  for (fs::recursive_directory_iterator at(tree, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with("Kconfig") || at->is_directory(error)) continue;
    for (const std::string& line : lines_of(TRY(read_file(at->path())))) {
      for (const std::string_view word : {"config ", "menuconfig "}) {
        const auto begin = line.find_first_not_of(" \t");
        if (begin == std::string::npos || line.compare(begin, word.size(), word) != 0) continue;
        const auto name = line.substr(begin + word.size());
        options.insert("CONFIG_" + name.substr(0, name.find_first_of(" \t")));
      }
    }
  }
  if (error) return machine_error("cannot look at {}: {}", tree.string(), error.message());
  return options;
}

Result<GivenKernel> find_source_tree(const KernelSpec& spec, const fs::path& kernels_folder, const KernelCache& cache,
                                     const std::vector<Base>& bases) {
  const std::string& name = spec.model.name;
  std::string words = name.substr(kPrefix.size());
  SourceTree tree{.folder = {}, .id = {}};
  if (const auto config = words.rfind(kConfig); config != std::string::npos) {
    tree.config = words.substr(config + kConfig.size());
    if (tree.config.empty()) return user_error("'{}' names no file behind 'config='", name);
    words.resize(config);
  }
  if (words.ends_with(kLlvm)) {
    tree.llvm = true;
    words.resize(words.size() - kLlvm.size());
  }
  std::string revision;
  // A folder's name may have an @ as well, and so may a revision.
  for (auto at = words.find('@'); at != std::string::npos && !is_there(words); at = words.find('@', at + 1)) {
    if (!is_folder(words.substr(0, at))) continue;
    revision = words.substr(at + 1);
    if (revision.empty()) return user_error("'{}' names no revision behind '@'", name);
    words.resize(at);
    break;
  }
  std::error_code error;
  tree.folder = fs::canonical(words, error);
  if (error) return user_error("{}: there is no folder or tarball {}", name, words);
  const std::string shown = tree.folder.filename().string();
  std::string which = "as it is";
  if (!is_folder(tree.folder)) {
    tree.folder = TRY(cache.source_tree(tree.folder, /*version=*/"", TRY(cache.source_hash(tree.folder)), {}));
    which = "as packed";
  }
  TRY(tool_version("git", "git"));

  const TreePlace place = TRY(place_of(tree.folder, cache));
  const bool repository = TRY(borrow_objects(place, tree.folder));
  if (revision.empty()) {
    print_err("reading {}\n", tree.folder.string());
    tree.id = TRY(id_of_work_tree(place, tree.folder, repository));
  } else if (!repository) {
    return user_error("{}: {} is no git repository, and has no revisions", name, tree.folder.string());
  } else {
    const auto id =
        TRY(ask_git(tree.folder, {"rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{tree}"}));
    if (id.status != 0) return user_error("{}: {} has no revision '{}'", name, tree.folder.string(), revision);
    tree.id = id.output;
    const auto commit = TRY(ask_git(
        tree.folder, {"rev-parse", "--short=12", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"}));
    which = commit.status == 0 ? "at " + commit.output : "at tree " + tree.id.substr(0, 12);
  }
  const auto kbuild = TRY(git(place, place.source(), "none", {"cat-file", "-e", tree.id + ":Kbuild"}));
  const auto makefile = TRY(git(place, place.source(), "none", {"cat-file", "-p", tree.id + ":Makefile"}));
  tree.version = makefile.status == 0 ? version_in(makefile.output) : "";
  if (kbuild.status != 0 || tree.version.empty())
    return user_error("{}: {} is no source of Linux", name, tree.folder.string());

  // A .config stands for all that a profile brings.
  const Profile none{.name = "", .description = "", .start = "config", .fragments = {}};
  Profile profile = tree.config.empty() ? spec.profile : none;
  profile.llvm = tree.llvm;
  Base base = spec.base;
  base.debian_config = tree.debian_config = config_for(tree.version, spec.base, bases);
  KernelInputs inputs = TRY(read_configuration(base, profile, kernels_folder));
  inputs.source_hash = "git " + tree.id;
  if (!tree.config.empty()) inputs.fragment = TRY(read_file(tree.config));
  tree.settings = inputs.fragment;
  const std::string config = tree.config.empty() ? "profile " + spec.profile.name : tree.config.filename().string();
  return GivenKernel{.name = name,
                     .hash = inputs.hash(),
                     .what = fmt::format("{} {}, {}{}", shown, which, config, tree.llvm ? ", " + inputs.compiler : ""),
                     .from = tree};
}

Result<void> build_source_tree(const KernelSpec& spec, const KernelCache& cache, const fs::path& made, int jobs) {
  const auto& tree = std::get<SourceTree>(spec.given->from);
  const TreePlace place = TRY(place_of(tree.folder, cache));
  TRY(check_out(place, tree.id));
  const std::string label = "kernel " + spec.model.name;
  print_err("{}: Linux {}, {}\n", label, tree.version, spec.given->what);

  // One folder for each way to configure, so that a build finds the objects of the last one.
  Hasher way;
  way.part("profile", tree.config.empty() ? spec.profile.name : "config " + tree.config.string());
  if (tree.llvm) way.part("by", "llvm");
  const fs::path build = place.folder / ("build-" + way.hex().substr(0, 16));
  // Times that lie in the future, after the clock was set back, would make old objects look new.
  std::error_code error;
  const auto last = fs::last_write_time(build / "vmlinux", error);
  if (!error && last > fs::file_time_type::clock::now()) fs::remove_all(build, error);
  TRY(make_folders(build));
  const bool first = !is_there(build / "vmlinux");

  const ClockWatch clock;
  if (!tree.config.empty()) {
    TRY(write_file(build / ".config", tree.settings));
    TRY(complete_config(place.source(), build, tree.llvm));
  } else {
    const std::string settings = known_settings(tree.settings, TRY(options_of_source(place.source())));
    Base base = spec.base;
    base.debian_config = tree.debian_config;
    Profile profile = spec.profile;
    profile.llvm = tree.llvm;
    if (const auto held = configure_kernel(base, profile, settings, place.source(), build); !held) {
      if (held.error().exit != Exit::user || !is_there(build / ".config")) return held.error();
      print_err(
          "nslab: {}: {}\nIt is built all the same: another version of Linux need not have what this profile was "
          "made for.\n",
          label, held.error().message);
    }
  }
  constexpr std::uint64_t kShare = 16;
  const auto objects = static_cast<std::uint64_t>(spec.profile.objects);
  const auto compiled = TRY(compile_kernel({.label = label,
                                            .tree = place.source(),
                                            .folder = build,
                                            .expected_objects = first ? objects : objects / kShare,
                                            .lock = place.lock.fd(),
                                            .jobs = jobs,
                                            .llvm = tree.llvm},
                                           clock));
  TRY(check_compiled_settings(build));
  print_err("{}: built, {} objects\n", label, compiled);
  for (const auto& [from, to] : {std::pair("vmlinux", "vmlinux"),
                                 {"arch/x86/boot/bzImage", "bzImage"},
                                 {"System.map", "System.map"},
                                 {".config", "config"},
                                 {"build.log", "build.log"}}) {
    fs::copy_file(build / from, made / to, error);
    if (error) return machine_error("cannot keep {}: {}", from, error.message());
  }
  return {};
}

}  // namespace nslab
