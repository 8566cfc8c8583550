// SPDX-License-Identifier: GPL-2.0
#include "image.h"

#include <sys/stat.h>

#include <sstream>

#include "archives.h"
#include "files.h"
#include "hash.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

/// Whether the loader is needed to run it. Scripts, data and libraries are packed as they are.
Result<bool> is_program(const fs::path& file) {
  constexpr auto kAnyExecute = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  std::error_code error;
  if ((fs::status(file, error).permissions() & kAnyExecute) == fs::perms::none) return false;
  if (file.filename().string().find(".so") != std::string::npos) return false;
  const auto content = TRY(read_file(file));
  return content.starts_with("\177ELF");
}

}  // namespace

/// Not a static program, nor one of another architecture.
Result<bool> needs_loader(const fs::path& program) {
  return TRY(run_captured({.argv = {kLoader, "--verify", program.string()}})).status == 0;
}

Result<std::map<std::string, fs::path>> libraries_of(const fs::path& program) {
  const auto run = run_captured({.argv = {kLoader, "--list", program.string()}});
  if (!run) return run.error();
  if (run->status != 0 && !TRY(needs_loader(program))) return std::map<std::string, fs::path>{};
  if (run->status != 0)
    return machine_error("{} cannot list the libraries of {}:\n{}", kLoader, program.string(), run->output);
  std::map<std::string, fs::path> libraries = {{kLoader, kLoader}};
  for (const std::string& line : lines_of(run->output)) {
    // "	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f…)"
    std::istringstream words(line);
    std::string name;
    std::string arrow;
    std::string path;
    if (!(words >> name >> arrow >> path) || arrow != "=>") continue;
    if (path == "not") return machine_error("{} needs {}, which this machine lacks", program.string(), name);
    libraries["/lib/x86_64-linux-gnu/" + name] = path;
  }
  return libraries;
}

Result<std::map<std::string, fs::path>> locate_files(const Paths& paths, const std::set<GuestFile>& files) {
  std::map<std::string, fs::path> located;
  std::set<std::string> missing;
  std::set<std::string> packages;
  for (const GuestFile& file : files) {
    const bool own = !file.path.starts_with('/');
    const fs::path here = own ? paths.guest / file.path : fs::path(file.path);
    if (!is_there(here)) {
      if (own) return machine_error("{} is missing: build nslab first (make build)", here.string());
      missing.insert(file.path);
      packages.insert(file.package);
      continue;
    }
    located[own ? "/opt/nslab/" + file.path : file.path] = here;
    if (!TRY(is_program(here))) continue;
    auto libraries = TRY(libraries_of(here));
    located.merge(libraries);
  }
  if (!missing.empty()) {
    return machine_error("this machine lacks what the experiment's benchmarks run: {}\n  apt-get install {}",
                         fmt::join(missing, ", "), fmt::join(packages, " "));
  }
  return located;
}

Result<std::string> pack_image(const Paths& paths, const std::map<std::string, fs::path>& more, Meter meter) {
  const char* const init = meter == Meter::time ? "init-time" : "init";
  // Path in the guest → file here. All micro benchmarks are one program, so that they share one shape of address space.
  // What the caller has in the same place comes first.
  std::map<std::string, fs::path> files = more;
  files.insert({{"/init", paths.guest / init},
                {"/bin/nsexec", paths.guest / "nsexec"},
                {"/bin/micro", paths.guest / worker_of(meter)},
                {"/bin/nothing-static", paths.guest / "nothing-static"},
                {"/bin/nothing-dynamic", paths.guest / "nothing-dynamic"}});
  for (const char* program : {worker_of(meter), "nsexec", "nothing-dynamic"}) {
    auto libraries = TRY(libraries_of(paths.guest / program));
    files.merge(libraries);
  }

  std::set<std::string> folders = {"dev", "proc", "sys", "tmp", "run"};
  for (const auto& [path, file] : files) {
    for (fs::path parent = fs::path(path).parent_path(); parent != "/"; parent = parent.parent_path()) {
      folders.insert(parent.string().substr(1));
    }
  }
  std::vector<ArchiveEntry> entries;
  for (const std::string& folder : folders) entries.push_back({folder, S_IFDIR | 0755, ""});
  for (const auto& [path, file] : files) {
    auto content = TRY(read_file(file));
    entries.push_back({path.substr(1), S_IFREG | 0755, std::move(content)});
  }
  return make_cpio(entries);
}

Result<Image> make_image(const Paths& paths, const std::map<std::string, fs::path>& more, Meter meter) {
  const auto cpio = TRY(pack_image(paths, more, meter));
  Image image;
  image.hash = sha256(cpio);
  image.file = paths.cache / "initramfs" / (image.hash + ".cpio");
  // Not by its name alone: somebody may have exchanged or cut it.
  if (const auto there = read_file(image.file); there && *there == cpio) return image;
  TRY(make_folders(image.file.parent_path()));
  TRY(write_file(image.file, cpio));
  return image;
}

}  // namespace nslab
