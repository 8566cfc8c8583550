// SPDX-License-Identifier: GPL-2.0
#include "kernel_build.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "archives.h"
#include "clock.h"
#include "files.h"
#include "hash.h"
#include "kernel_size.h"
#include "locks.h"
#include "processes.h"
#include "progress.h"
#include "signals.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// Part of every kernel's hash: to be raised when the steps below change what comes out.
constexpr int kRecipe = 2;

// One object in about so many sees what a model's settings change, for the time left.
constexpr int kBuildBaseShare = 16;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string last_lines(const fs::path& log, std::size_t count) {
  const auto text = read_file(log);
  if (!text) return text.error().message;
  const auto lines = lines_of(*text);
  std::string tail;
  for (std::size_t i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i)
    tail += "  " + lines[i] + "\n";
  return tail;
}

/// Debian's config with every module left out: modules are what no guest here can load.
std::string without_modules(const std::string& config) {
  std::string result;
  for (const std::string& line : lines_of(config)) {
    const auto equals = line.find('=');
    if (line.starts_with("CONFIG_") && equals != std::string::npos && line.substr(equals) == "=m") {
      result += "# " + line.substr(0, equals) + " is not set\n";
    } else {
      result += line + "\n";
    }
  }
  return result + "# CONFIG_MODULES is not set\n";
}

/// The lines that set something: `CONFIG_X=…` and `# CONFIG_X is not set`; comments are left out.
std::vector<std::string> settings_of(const std::string& fragment) {
  std::vector<std::string> settings;
  for (const std::string& line : lines_of(fragment)) {
    if (line.starts_with("CONFIG_") || (line.starts_with("# CONFIG_") && line.ends_with(" is not set")))
      settings.push_back(line);
  }
  return settings;
}

Result<void> check_settings(const std::string& wanted, const fs::path& config_file) {
  const auto config = TRY(read_file(config_file));
  const auto lines = lines_of(config);
  const std::set<std::string> have(lines.begin(), lines.end());
  // A later line of the fragment overrides an earlier one, as in the kernel's own merge_config.sh.
  std::map<std::string, std::string> last;
  for (const std::string& line : settings_of(wanted)) {
    const bool unset = line.starts_with("#");
    const std::string name = unset ? line.substr(2, line.find(' ', 2) - 2) : line.substr(0, line.find('='));
    last[name] = line;
  }
  std::string missing;
  for (const auto& entry : last) {
    const auto& name = entry.first;
    const auto& line = entry.second;
    const bool holds = line.starts_with("#") ? std::none_of(lines.begin(), lines.end(),
                                                            [&](const auto& l) { return l.starts_with(name + "="); })
                                             : have.contains(line);
    if (!holds) missing += "\n  " + line;
  }
  if (!missing.empty()) {
    return Error{Exit::bug,
                 fmt::format("these settings did not survive 'make olddefconfig' (a dependency is missing, or the "
                             "option does not exist in this source):{}",
                             missing)};
  }
  return {};
}

Result<std::string> tool_version(const std::string& tool, const std::string& package) {
  const auto run = run_captured({.argv = {tool, "--version"}});
  if (!run || run->status != 0) return machine_error("{} is missing: apt-get install {}", tool, package);
  return run->output.substr(0, run->output.find('\n'));
}

}  // namespace

std::vector<std::string> reproducible_make_arguments() {
  return {"KBUILD_BUILD_USER=nslab", "KBUILD_BUILD_HOST=nslab", "KBUILD_BUILD_TIMESTAMP=2025-01-01 00:00:00 UTC",
          "KBUILD_BUILD_VERSION=1", "LOCALVERSION="};
}

/// All that goes into a kernel, read once: what the hash is made of is what is built.
struct KernelBuilder::Inputs {
  std::string source_hash;
  Patches patches;
  std::string debian_config_hash;  // empty when the profile does not start from it
  std::string fragment;
  std::string model;
  std::string compiler;
  std::string linker;
  std::string start;  // of the profile

  /// Of everything but the model: kernels of one family can share objects.
  std::string family() const;
  std::string hash() const;
};

std::string KernelBuilder::Inputs::family() const {
  Hasher hasher;
  hasher.part("recipe", std::to_string(kRecipe)).part("source", source_hash);
  for (const auto& [name, content] : patches) hasher.part("patch", content);
  hasher.part("start", start).part("debian", debian_config_hash).part("fragment", fragment);
  hasher.part("compiler", compiler).part("linker", linker);
  return hasher.hex();
}

std::string KernelBuilder::Inputs::hash() const {
  Hasher hasher;
  hasher.part("family", family()).part("model", model);
  return hasher.hex();
}

Result<std::string> KernelBuilder::source_hash(const Base& base) const {
  std::error_code error;
  if (fs::is_directory(base.source, error)) return hash_tree(base.source);
  const auto size = fs::file_size(base.source, error);
  if (error) {
    return machine_error("there is no kernel source {}: apt-get install linux-source-6.12, or name one with --source",
                         base.source.string());
  }
  // 150 MB take half a second to hash; the answer is remembered by what changes when the file does.
  const auto mtime = fs::last_write_time(base.source, error).time_since_epoch().count();
  const std::string key = sha256(fmt::format("{} {} {}", fs::absolute(base.source).string(), size, mtime));
  const fs::path memo = paths_.cache / "source-hashes" / key;
  if (const auto known = read_file(memo); known && known->size() == 64) return *known;
  auto hash = sha256_file(base.source);
  if (!hash) return hash;
  TRY(make_folders(memo.parent_path()));
  TRY(write_file(memo, *hash));
  return hash;
}

namespace {

Result<std::vector<std::pair<std::string, std::string>>> read_series(const fs::path& folder) {
  const auto series = TRY(read_file(folder / "series"));
  std::vector<std::pair<std::string, std::string>> patches;
  for (const std::string& name : lines_of(series)) {
    if (name.empty() || name.starts_with("#")) continue;
    auto patch = TRY(read_file(folder / name));
    patches.emplace_back(name, std::move(patch));
  }
  return patches;
}

}  // namespace

Result<KernelBuilder::Inputs> KernelBuilder::inputs(const KernelSpec& spec) const {
  Inputs inputs;
  inputs.start = spec.profile.start;
  auto source = TRY(source_hash(spec.base));
  inputs.source_hash = source;
  auto patches = TRY(read_series(paths_.kernels_folder() / spec.base.series));
  inputs.patches = std::move(patches);
  if (spec.profile.start == "debian") {
    auto config = sha256_file(spec.base.debian_config);
    if (!config) {
      return machine_error("there is no {}: apt-get install linux-config-6.12", spec.base.debian_config.string());
    }
    inputs.debian_config_hash = *config;
  }
  for (const std::string& name : spec.profile.fragments) {
    const auto fragment = TRY(read_file(paths_.kernels_folder() / name));
    for (const std::string& line : settings_of(fragment)) inputs.fragment += line + "\n";
  }
  for (const std::string& line : spec.model.config) inputs.model += line + "\n";
  auto compiler = TRY(tool_version("gcc", "gcc"));
  inputs.compiler = compiler;
  auto linker = TRY(tool_version("ld", "binutils"));
  inputs.linker = linker;
  return inputs;
}

Result<std::string> KernelBuilder::hash(const KernelSpec& spec) const {
  const auto in = TRY(inputs(spec));
  return in.hash();
}

Kernel KernelBuilder::cached(const KernelSpec& spec, const std::string& hash) const {
  return {spec.model.name, hash, paths_.cache / "kernels" / hash};
}

bool KernelBuilder::is_built(const Kernel& kernel) const { return fs::exists(kernel.manifest()); }

Result<fs::path> KernelBuilder::source_tree(const Base& base, bool patched) const {
  const auto source = TRY(source_hash(base));
  if (!patched) return source_tree(base, source, {});
  const auto series = TRY(read_series(paths_.kernels_folder() / base.series));
  return source_tree(base, source, series);
}

Result<fs::path> KernelBuilder::source_tree(const Base& base, const std::string& source_hash,
                                            const Patches& patches) const {
  Hasher hasher;
  hasher.part("source", source_hash);
  for (const auto& [name, content] : patches) hasher.part("patch", content);
  const std::string hash = hasher.hex();
  const fs::path tree = paths_.cache / "sources" / hash.substr(0, 16);

  const auto say_waiting = [] { fmt::print(stderr, "another nslab unpacks this source; waiting for it\n"); };
  auto lock = TRY(FileLock::wait(paths_.cache / "locks" / ("source-" + hash.substr(0, 16)), say_waiting));
  if (fs::exists(tree)) return tree;

  fmt::print(stderr, "unpacking {}\n", base.source.string());
  TRY(make_folders(tree.parent_path()));
  const std::string prefix = "source-" + hash.substr(0, 16);
  TRY(TempFolder::sweep(paths_.cache / "tmp", prefix));
  auto folder = TRY(TempFolder::make(paths_.cache / "tmp", prefix));
  std::error_code error;
  if (fs::is_directory(base.source, error)) {
    const auto copied = TRY(run_captured({.argv = {"cp", "-a", (base.source / ".").string(), folder.path().string()}}));
    if (copied.status != 0) return machine_error("cannot copy {}:\n{}", base.source.string(), copied.output);
    // Objects or a .config of the user's would mix with builds outside the tree.
    const auto cleaned = run_captured({.argv = {"make", "-s", "mrproper"}, .folder = folder.path()});
    if (!cleaned) return cleaned.error();
    if (cleaned->status != 0) return user_error("{} is no kernel source:\n{}", base.source.string(), cleaned->output);
  } else if (auto unpacked = unpack_archive(base.source, folder.path()); !unpacked) {
    return unpacked.error();
  }

  const auto makefile = read_file(folder.path() / "Makefile");
  if (!makefile || makefile->find("VERSION = 6\nPATCHLEVEL = 12\n") == std::string::npos) {
    return user_error("{} is no Linux 6.12 source: its Makefile does not say so", base.source.string());
  }
  const auto series = TRY(TempFolder::make(paths_.cache / "tmp", prefix + "-series"));
  for (const auto& [name, content] : patches) {
    const fs::path patch = series.path() / name;
    TRY(write_file(patch, content));
    const auto applied = run_captured(
        {.argv = {"patch", "-p1", "--batch", "--silent", "--fuzz=0", "-i", patch.string()}, .folder = folder.path()});
    if (!applied) return applied.error();
    if (applied->status != 0)
      return user_error("{} does not apply to {}:\n{}", name, base.source.string(), applied->output);
  }
  TRY(folder.rename_to(tree));
  return tree;
}

namespace {

Result<void> make(const fs::path& tree, const fs::path& folder, const std::vector<std::string>& targets) {
  std::vector<std::string> argv = {"make", "-C", tree.string(), "O=" + folder.string()};
  for (const auto& argument : reproducible_make_arguments()) argv.push_back(argument);
  argv.insert(argv.end(), targets.begin(), targets.end());
  const auto run = TRY(run_captured({.argv = argv}));
  if (run.status != 0) {
    return machine_error("'make {}' for the kernel failed ({}):\n{}", fmt::join(targets, " "),
                         describe_status(run.status), run.output);
  }
  return {};
}

}  // namespace

Result<void> KernelBuilder::configure_debian(const Base& base, const fs::path& tree, const fs::path& folder) const {
  const auto config = TRY(read_compressed(base.debian_config));
  TRY(write_file(folder / ".config", config));
  return make(tree, folder, {"olddefconfig"});
}

Result<void> KernelBuilder::configure(const KernelSpec& spec, const fs::path& tree, const fs::path& folder) const {
  const auto in = TRY(inputs(spec));
  return configure(spec, in, tree, folder);
}

Result<void> KernelBuilder::configure(const KernelSpec& spec, const Inputs& inputs, const fs::path& tree,
                                      const fs::path& folder) const {
  std::string start;
  if (spec.profile.start == "debian") {
    const auto config = TRY(read_compressed(spec.base.debian_config));
    start = without_modules(config);
  } else {
    TRY(make(tree, folder, {"tinyconfig"}));
    const auto config = TRY(read_file(folder / ".config"));
    start = config;
  }
  const std::string wanted = inputs.fragment + inputs.model;
  TRY(write_file(folder / ".config", start + "\n" + wanted));
  TRY(make(tree, folder, {"olddefconfig"}));
  return check_settings(wanted, folder / ".config");
}

Result<void> KernelBuilder::build_into(const KernelSpec& spec, const Inputs& inputs, int jobs, const FileLock& lock,
                                       const fs::path& folder) const {
  const auto tree = TRY(source_tree(spec.base, inputs.source_hash, inputs.patches));
  const double start = monotonic_seconds();
  TRY(configure(spec, inputs, tree, folder));

  if (jobs == 0) jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const fs::path log = folder / "build.log";
  Command command;
  command.argv = {"make", "-C", tree.string(), "O=" + folder.string(), fmt::format("-j{}", jobs), "bzImage"};
  for (const auto& argument : reproducible_make_arguments()) command.argv.push_back(argument);
  command.output = log;
  // Should nslab be killed, make stops its compilers, and the lock is theirs until the last has ended: nobody sweeps or
  // builds in a folder that is still written to.
  command.inherited_fd = lock.fd();
  command.death_signal = SIGTERM;

  const std::string label = fmt::format("kernel {} ({})", spec.model.name, spec.profile.name);
  fmt::print(stderr, "{}: building with {} jobs\n", label, jobs);
  auto process = TRY(Process::start(command));
  Progress progress(label, "objects",
                    static_cast<std::uint64_t>(spec.profile.objects / (spec.model.build_base ? kBuildBaseShare : 1)));
  std::ifstream output(log);
  std::uint64_t objects = 0;
  std::optional<int> status;
  while (!status) {
    status = process.wait_for(0.5);
    if (interrupted()) return interruption();
    for (std::string line; std::getline(output, line);)
      objects += line.starts_with("  CC ") || line.starts_with("  AS ") ? 1 : 0;
    output.clear();
    progress.update(objects);
  }
  if (*status != 0) {
    return machine_error("{}: the build failed ({}); the end of its log:\n{}", label, describe_status(*status),
                         last_lines(log, 30));
  }
  const double seconds = monotonic_seconds() - start;
  progress.say(fmt::format("{}: built, {} objects in {}", label, objects, duration_text(seconds)));

  const auto vmlinux = TRY(sha256_file(folder / "vmlinux"));
  const auto size = TRY(measure_kernel_size(folder));
  TRY(write_file(folder / "sizes.json", to_json(size)));
  Json manifest;
  manifest["hash"] = inputs.hash();
  manifest["model"] = spec.model.name;
  manifest["profile"] = spec.profile.name;
  manifest["base"] = spec.base.name;
  manifest["source_sha256"] = inputs.source_hash;
  manifest["patches"] = Json::array();
  for (const auto& [name, content] : inputs.patches)
    manifest["patches"].push_back({{"name", name}, {"sha256", sha256(content)}});
  manifest["debian_config_sha256"] = inputs.debian_config_hash;
  manifest["fragment_sha256"] = sha256(inputs.fragment);
  manifest["model_config"] = spec.model.config;
  manifest["compiler"] = inputs.compiler;
  manifest["linker"] = inputs.linker;
  manifest["vmlinux_sha256"] = vmlinux;
  manifest["objects"] = objects;
  manifest["build_seconds"] = std::llround(seconds);
  return write_file(folder / "manifest.json", to_text(manifest, 2) + "\n");
}

namespace {

/// With their times, which make compares.
Result<void> copy_objects(const fs::path& from, const fs::path& to) {
  const auto copied = TRY(run_captured({.argv = {"cp", "-a", "--reflink=auto", (from / ".").string(), to.string()}}));
  if (copied.status != 0) return machine_error("cannot copy {}:\n{}", from.string(), copied.output);
  return {};
}

}  // namespace

fs::path KernelBuilder::objects_of(const Profile& profile, const Kernel& kernel) const {
  return paths_.cache / "objects" / fmt::format("{}-{}-{}", profile.name, kernel.name, kernel.hash);
}

Result<void> KernelBuilder::keep_objects(const Profile& profile, const Kernel& kernel, TempFolder work) const {
  std::error_code error;
  const fs::path kept = objects_of(profile, kernel);
  TRY(make_folders(kept.parent_path()));
  // Of one profile and model one is enough: those of an earlier series or compiler are a gigabyte each.
  const std::string prefix = fmt::format("{}-{}-", profile.name, kernel.name);
  for (const auto& entry : fs::directory_iterator(kept.parent_path(), error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix) && name.size() == prefix.size() + kernel.hash.size())
      fs::remove_all(entry.path(), error);
  }
  if (error) return machine_error("cannot make room for {}: {}", kept.string(), error.message());
  // What every link makes anew.
  for (const char* linked : {"vmlinux.o", "vmlinux.a"}) fs::remove(work.path() / linked, error);
  return work.rename_to(kept);
}

Result<Kernel> KernelBuilder::build(const KernelSpec& spec, int jobs) const {
  return build(spec, jobs, /*with_objects=*/false);
}

Result<Kernel> KernelBuilder::build(const KernelSpec& spec, int jobs, bool with_objects) const {
  const auto in = TRY(inputs(spec));
  const std::string key = in.hash();
  const Kernel kernel = cached(spec, key);
  const auto have = [&] { return is_built(kernel) && (!with_objects || fs::exists(objects_of(spec.profile, kernel))); };
  if (have()) return kernel;

  const auto say_waiting = [&] { fmt::print(stderr, "another nslab builds {}; waiting for it\n", spec.model.name); };
  auto lock = TRY(FileLock::wait(paths_.cache / "locks" / ("kernel-" + key), say_waiting));
  if (have()) return kernel;

  std::optional<Kernel> build_base;
  if (spec.model.build_base) {
    auto built = build({spec.base, spec.profile, *spec.model.build_base}, jobs, /*with_objects=*/true);
    if (!built) return built;
    build_base = *built;
  }
  // A family builds in one place, one kernel at a time: some of Kbuild's own programs are compiled anew when the
  // folder's name has changed.
  const std::string prefix = "build-" + in.family().substr(0, 16);
  const auto say_busy = [&] { fmt::print(stderr, "another build of this profile goes on; waiting for it\n"); };
  auto place = TRY(FileLock::wait(paths_.cache / "locks" / prefix, say_busy));
  TRY(TempFolder::sweep(paths_.cache / "tmp", prefix));
  auto work = TRY(TempFolder::make_at(paths_.cache / "tmp" / prefix));
  if (build_base) {
    TRY(copy_objects(objects_of(spec.profile, *build_base), work.path()));
  }
  TRY(build_into(spec, in, jobs, place, work.path()));

  auto result = TRY(TempFolder::make(paths_.cache / "tmp", prefix));
  std::error_code error;
  const std::pair<const char*, const char*> kept[] = {{"vmlinux", "vmlinux"},       {"System.map", "System.map"},
                                                      {".config", "config"},        {"build.log", "build.log"},
                                                      {"sizes.json", "sizes.json"}, {"manifest.json", "manifest.json"}};
  for (const auto& [from, to] : kept) {
    fs::rename(work.path() / from, result.path() / to, error);
    if (error) return machine_error("cannot keep {}: {}", from, error.message());
  }
  if (spec.model.is_build_base) {
    TRY(keep_objects(spec.profile, kernel, std::move(work)));
  }
  if (is_built(kernel)) return kernel;  // the objects were what was missing
  fs::permissions(result.path(),
                  fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read |
                      fs::perms::others_exec,
                  error);
  TRY(make_folders(kernel.folder.parent_path()));
  TRY(result.rename_to(kernel.folder));
  return kernel;
}

Result<Json> read_manifest(const Kernel& kernel) {
  const auto text = TRY(read_file(kernel.manifest()));
  auto manifest = parse_json(text);
  if (!manifest) {
    return machine_error("{} is damaged: remove its folder, and the kernel is built anew", kernel.manifest().string());
  }
  return *manifest;
}

}  // namespace nslab
