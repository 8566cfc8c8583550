// SPDX-License-Identifier: GPL-2.0
#include "kernel_source.h"

#include "archives.h"
#include "files.h"
#include "hash.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

Result<void> check_hash(const fs::path& source, const std::string& expected, const std::string& hash) {
  if (hash == expected) return {};
  return user_error("{} was changed while it was read: start again when nobody writes to it", source.string());
}

Result<void> copy_tree(const fs::path& source, const std::string& hash, const fs::path& folder) {
  Command copy = {.argv = {"cp", "-a", "-t", folder.string(), "--"}};
  for (const fs::path& entry : TRY(entries_of(source))) {
    if (entry.filename() != ".git") copy.argv.push_back(entry.string());
  }
  const auto copied = TRY(run_captured(copy));
  if (copied.status != 0) return machine_error("cannot copy {}:\n{}", source.string(), copied.output);
  TRY(check_hash(source, hash, TRY(hash_tree(folder))));
  // Where its owner has built in the tree, its objects and its .config would mix with those of our builds.
  const auto cleaned = TRY(run_captured({.argv = {"make", "-s", "mrproper"}, .folder = folder}));
  if (cleaned.status != 0) return user_error("{} is no kernel source:\n{}", source.string(), cleaned.output);
  return {};
}

/// The first lines of what patch(1) says, without what it cites from the patch.
std::string what_failed(const std::string& output) {
  constexpr int most = 10;
  std::string text;
  int lines = 0;
  for (const std::string& line : lines_of(output)) {
    if (line.starts_with("|") || line.starts_with("---") || line.starts_with("The text leading up")) continue;
    if (++lines > most) return text + "...";
    text += line + "\n";
  }
  return text;
}

/// A patch without the message in front of it, which patch(1) skips.
std::string changes_of(const std::string& patch) {
  std::size_t start = 0;
  while (start < patch.size()) {
    const std::string_view rest = std::string_view(patch).substr(start);
    if (rest.starts_with("diff ") || rest.starts_with("--- ")) return std::string(rest);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    start += end + 1;
  }
  return patch;
}

}  // namespace

Result<std::vector<Patch>> read_series(const fs::path& folder) {
  const auto series = TRY(read_file(folder / "series"));
  std::vector<Patch> patches;
  for (const std::string& name : lines_of(series)) {
    if (name.empty() || name.starts_with("#")) continue;
    patches.push_back({name, changes_of(TRY(read_file(folder / name)))});
  }
  return patches;
}

Result<std::string> hash_source(const fs::path& source) {
  if (is_folder(source)) return hash_tree(source);
  if (!is_there(source)) {
    const std::string name = source.filename().string();
    const bool debians = name.starts_with("linux-source-");
    return machine_error("there is no kernel source {}: {}name one with --source", source.string(),
                         debians ? fmt::format("apt-get install {}, or ", name.substr(0, name.find(".tar"))) : "");
  }
  return sha256_file(source);
}

Result<void> make_source_tree(const fs::path& source, const std::string& version, const std::string& hash,
                              const std::vector<Patch>& patches, const fs::path& folder) {
  if (is_folder(source)) {
    TRY(copy_tree(source, hash, folder));
  } else {
    TRY(unpack_archive(source, folder));
    TRY(check_hash(source, hash, TRY(hash_source(source))));
  }
  const auto makefile = read_file(folder / "Makefile");
  const auto dot = version.find('.');
  const std::string said =
      version.empty() ? "VERSION = "
                      : fmt::format("VERSION = {}\nPATCHLEVEL = {}\n", version.substr(0, dot), version.substr(dot + 1));
  if (!makefile || makefile->find(said) == std::string::npos) {
    return user_error("{} is no Linux {}source: its Makefile does not say so", source.string(),
                      version.empty() ? "" : version + " ");
  }
  // The patches lie beside the tree, under a name that starts like the tree's: who sweeps the one sweeps the other.
  const auto series = TRY(TempFolder::make(folder.parent_path(), folder.filename().string() + "-series"));
  for (const Patch& patch : patches) {
    const fs::path file = series.path() / patch.name;
    TRY(write_file(file, patch.content));
    const auto applied = TRY(run_captured(
        {.argv = {"patch", "-p1", "--batch", "--silent", "--fuzz=0", "-i", file.string()}, .folder = folder}));
    if (applied.status != 0)
      return user_error("{} does not apply to {}:\n{}", patch.name, source.string(), what_failed(applied.output));
  }
  return {};
}

}  // namespace nslab
