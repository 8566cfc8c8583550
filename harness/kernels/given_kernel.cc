// SPDX-License-Identifier: GPL-2.0
#include "given_kernel.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "files.h"
#include "hash.h"
#include "kernel_build.h"
#include "kernel_image.h"
#include "kernel_symbols.h"
#include "output.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

// It is part of every given kernel's hash. Raise it when what is made of one changes.
constexpr int kGivenRecipe = 1;

constexpr std::string_view kDebian = "debian:";
constexpr std::string_view kImage = "image:";

/// A package of the same kernel can have several versions.
struct Package {
  std::string name;
  std::string version;
  std::string sha256;

  /// "6.12.117" of "6.12.117-1~deb12u1".
  std::string upstream() const { return version.substr(0, version.rfind('-')); }
};

/// Of what apt-cache show prints: a paragraph a version, a field a line.
std::vector<Package> parse_packages(const std::string& text) {
  std::vector<Package> packages;
  Package package;
  const auto finish = [&] {
    if (!package.name.empty() && !package.sha256.empty()) packages.push_back(package);
    package = {};
  };
  for (const std::string& line : lines_of(text)) {
    const auto field = [&](std::string_view name, std::string& value) {
      if (line.starts_with(name)) value = line.substr(name.size());
    };
    if (line.empty()) finish();
    field("Package: ", package.name);
    field("Version: ", package.version);
    field("SHA256: ", package.sha256);
  }
  finish();
  return packages;
}

Result<std::string> output_of(const std::vector<std::string>& argv) {
  const auto run = TRY(run_captured({.argv = argv}));
  if (run.status != 0)
    return machine_error("{} failed ({}):\n{}", argv.front(), describe_status(run.status), run.output);
  return run.output;
}

/// Debian's kernels, as apt knows them: those for clouds, or the package of just this name.
Result<std::vector<Package>> packages_of(const std::string& version) {
  constexpr std::string_view kCloud = "-cloud-amd64";
  const std::string exact = fmt::format("linux-image-{}", version);
  std::vector<std::string> names;
  for (const std::string& name : lines_of(TRY(output_of({"apt-cache", "pkgnames", "linux-image-"})))) {
    if (name == exact) return parse_packages(TRY(output_of({"apt-cache", "show", name})));
    const bool numbered = name.size() > 12 && name[12] >= '0' && name[12] <= '9';
    if (numbered && name.ends_with(kCloud)) names.push_back(name);
  }
  if (names.empty()) return machine_error("apt knows no kernels: apt-get update");
  std::vector<std::string> show = {"apt-cache", "show"};
  show.insert(show.end(), names.begin(), names.end());
  return parse_packages(TRY(output_of(show)));
}

Result<bool> is_newer(const std::string& a, const std::string& b) {
  const auto run = TRY(run_captured({.argv = {"dpkg", "--compare-versions", a, "gt", b}}));
  return run.status == 0;
}

Result<GivenKernel> find_package(const std::string& name) {
  const std::string wanted = name.substr(kDebian.size());
  const auto packages = TRY(packages_of(wanted));
  std::optional<Package> newest;
  std::vector<std::string> known;
  for (const Package& package : packages) {
    const std::string upstream = package.upstream();
    if (std::find(known.begin(), known.end(), upstream) == known.end()) known.push_back(upstream);
    const bool fits =
        upstream == wanted || upstream.starts_with(wanted + ".") || package.name == "linux-image-" + wanted;
    if (fits && (!newest || TRY(is_newer(package.version, newest->version)))) newest = package;
  }
  if (!newest) {
    std::sort(known.begin(), known.end());
    return user_error("apt has no kernel {} for clouds; it has {}", wanted, fmt::join(known, ", "));
  }
  GivenKernel given{.name = name, .package = newest->name, .version = newest->version, .sha256 = newest->sha256};
  return given;
}

Result<GivenKernel> find_image(const std::string& name) {
  constexpr std::string_view kMap = ",map=";
  const std::string files = name.substr(kImage.size());
  const auto comma = files.find(kMap);
  GivenKernel given{.name = name, .sha256 = {}};
  given.image = files.substr(0, comma);
  if (comma != std::string::npos) given.map = files.substr(comma + kMap.size());
  given.sha256 = TRY(sha256_file(given.image));
  if (!given.map.empty()) given.map_sha256 = TRY(sha256_file(given.map));
  return given;
}

/// Fetches the package into the folder, and unpacks it there. The folder of its files.
Result<fs::path> fetch(const GivenKernel& given, const fs::path& folder) {
  print_err("kernel {}: fetching {} {}\n", given.name, given.package, given.version);
  const auto fetched =
      TRY(run_captured({.argv = {"apt-get", "download", given.package + "=" + given.version}, .folder = folder}));
  std::optional<fs::path> package;
  for (const fs::path& file : TRY(entries_of(folder))) {
    if (file.extension() == ".deb") package = file;
  }
  if (fetched.status != 0 || !package) {
    return machine_error("kernel {}: apt-get download {}={} failed:\n{}", given.name, given.package, given.version,
                         fetched.output);
  }
  if (TRY(sha256_file(*package)) != given.sha256)
    return machine_error("kernel {}: what apt fetched is not what it knows of: apt-get update", given.name);
  TRY(output_of({"dpkg-deb", "-x", package->string(), (folder / "files").string()}));
  return folder / "files";
}

/// The file of boot/ whose name begins so. Packages have one of each.
Result<fs::path> boot_file(const fs::path& files, const std::string& start) {
  for (const fs::path& file : TRY(entries_of(files / "boot"))) {
    if (file.filename().string().starts_with(start)) return file;
  }
  return user_error("the package has no boot/{}…", start);
}

std::string map_text(const std::vector<KernelSymbol>& symbols) {
  std::string text;
  for (const KernelSymbol& symbol : symbols)
    text += fmt::format("{:016x} {} {}\n", symbol.address, symbol.type, symbol.name);
  return text;
}

}  // namespace

std::string GivenKernel::hash() const {
  return Hasher().part("given", std::to_string(kGivenRecipe)).part("kernel", sha256).part("map", map_sha256).hex();
}

bool names_given_kernel(const std::string& name) { return name.starts_with(kDebian) || name.starts_with(kImage); }

Result<GivenKernel> find_given_kernel(const std::string& name) {
  return name.starts_with(kDebian) ? find_package(name) : find_image(name);
}

Result<Kernel> provide_kernel(const GivenKernel& given, const KernelCache& cache) {
  const Kernel kernel = cache.kernel(given.name, given.hash());
  const auto have = [&] { return cache.is_built(kernel) && is_intact(kernel).value_or(false); };
  if (have()) return kernel;
  const auto lock = TRY(cache.lock(kernel));
  if (have()) return kernel;  // another process has made it meanwhile
  TRY(cache.remove(kernel));
  auto made = TRY(cache.folder_for(kernel));
  const fs::path work = made.path() / "work";
  TRY(make_folders(work));
  fs::path image = given.image;
  if (!given.package.empty()) {
    const fs::path files = TRY(fetch(given, work));
    image = TRY(boot_file(files, "vmlinuz-"));
    std::error_code error;
    fs::copy_file(TRY(boot_file(files, "config-")), made.path() / "config", error);
    if (error) return machine_error("cannot keep the config of {}: {}", given.name, error.message());
  }
  const std::string bytes = TRY(read_file(image));
  if (given.package.empty() && sha256(bytes) != given.sha256)
    return user_error("{} was changed meanwhile: give the same command again", image.string());
  std::string elf = TRY(unpack_kernel_image(bytes, image.string()));
  if (!given.map.empty() || !has_symbol_table(elf)) {
    const auto symbols = given.map.empty() ? TRY(read_kallsyms(elf, image.string()))
                                           : TRY(parse_system_map(TRY(read_file(given.map)), given.map.string()));
    TRY(write_file(made.path() / "System.map", map_text(symbols)));
    elf = TRY(with_symbol_table(std::move(elf), symbols, image.string()));
  }
  TRY(write_file(made.path() / "vmlinux", elf));
  Json manifest;
  manifest["hash"] = kernel.hash;
  manifest["model"] = given.name;
  manifest["given"] = given.package.empty() ? image.filename().string() : given.package + " " + given.version;
  manifest["sha256"] = given.sha256;
  manifest["vmlinux_sha256"] = sha256(elf);
  TRY(write_file(made.path() / "manifest.json", to_text(manifest, 2) + "\n"));
  std::error_code ignored;
  fs::remove_all(work, ignored);
  TRY(cache.keep(kernel, std::move(made)));
  return kernel;
}

}  // namespace nslab
