// SPDX-License-Identifier: GPL-2.0
#include "given_kernel.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "files.h"
#include "hash.h"
#include "kernel_build.h"
#include "kernel_image.h"
#include "kernel_symbols.h"
#include "kernel_table.h"
#include "output.h"
#include "processes.h"
#include "source_tree.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kDebian = "debian:";
constexpr std::string_view kImage = "image:";
constexpr std::string_view kTree = "tree:";
constexpr std::string_view kPackage = "linux-image-";

/// Raise the number when what is made of a package or an image changes.
Hasher given_hash() {
  Hasher hash;
  hash.part("given", "2");
  return hash;
}

/// "6.12.117" of "6.12.117-1~deb12u1".
std::string upstream_of(const DebianPackage& package) { return package.version.substr(0, package.version.rfind('-')); }

/// Of what apt-cache show prints: a paragraph a version, a field a line.
std::vector<DebianPackage> parse_packages(const std::string& text) {
  std::vector<DebianPackage> packages;
  DebianPackage package;
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

Result<std::string> output_of(const std::vector<std::string>& argv,
                              std::map<std::string, std::string> environment = {}) {
  const auto run = TRY(run_captured({.argv = argv, .environment = std::move(environment)}));
  if (run.status != 0)
    return machine_error("{} failed ({}):\n{}", argv.front(), describe_status(run.status), run.output);
  return run.output;
}

/// What of the caller's environment tells apt where to find things: the hash of what it brings is checked.
std::map<std::string, std::string> apt_environment() {
  std::map<std::string, std::string> environment;
  for (const char* name : {"APT_CONFIG", "http_proxy", "https_proxy", "ftp_proxy", "no_proxy"}) {
    if (const char* const value = std::getenv(name)) environment[name] = value;
  }
  return environment;
}

/// What apt-cache says, asked once: it takes a second or two.
Result<std::string> apt_cache(std::vector<std::string> words) {
  static std::map<std::vector<std::string>, std::string> said;
  words.insert(words.begin(), "apt-cache");
  if (const auto found = said.find(words); found != said.end()) return found->second;
  return said[words] = TRY(output_of(words, apt_environment()));
}

/// Debian's kernels, as apt knows them: those for clouds, or the package of just this name.
Result<std::vector<DebianPackage>> packages_of(const std::string& version) {
  constexpr std::string_view kCloud = "-cloud-amd64";
  std::vector<std::string> names;
  for (const std::string& name : lines_of(TRY(apt_cache({"pkgnames", std::string(kPackage)})))) {
    const std::string kernel = name.substr(kPackage.size());
    if (kernel == version) return parse_packages(TRY(apt_cache({"show", name})));
    const bool numbered = !kernel.empty() && kernel[0] >= '0' && kernel[0] <= '9';
    if (numbered && kernel.ends_with(kCloud)) names.push_back(name);
  }
  if (names.empty()) return machine_error("apt knows no kernels: apt-get update");
  std::vector<std::string> show = {"show"};
  show.insert(show.end(), names.begin(), names.end());
  return parse_packages(TRY(apt_cache(show)));
}

Result<bool> is_newer(const std::string& a, const std::string& b) {
  const auto run = TRY(run_captured({.argv = {"dpkg", "--compare-versions", a, "gt", b}}));
  return run.status == 0;
}

Result<GivenKernel> find_package(const std::string& name) {
  const std::string wanted = name.substr(kDebian.size());
  const auto packages = TRY(packages_of(wanted));
  std::optional<DebianPackage> newest;
  std::vector<std::string> known;
  for (const DebianPackage& package : packages) {
    const std::string upstream = upstream_of(package);
    if (std::find(known.begin(), known.end(), upstream) == known.end()) known.push_back(upstream);
    const bool fits =
        upstream == wanted || upstream.starts_with(wanted + ".") || package.name.substr(kPackage.size()) == wanted;
    if (fits && (!newest || TRY(is_newer(package.version, newest->version)))) newest = package;
  }
  if (!newest) {
    std::sort(known.begin(), known.end());
    return user_error("apt has no kernel '{}' for clouds; it has {}", wanted, fmt::join(known, ", "));
  }
  return GivenKernel{.name = name,
                     .hash = given_hash().part("package", newest->sha256).hex(),
                     .what = newest->name + " " + newest->version,
                     .from = *newest};
}

Result<GivenKernel> find_image(const std::string& name) {
  constexpr std::string_view kMap = ",map=";
  const std::string files = name.substr(kImage.size());
  const auto comma = files.find(kMap);
  KernelImage image{.file = files.substr(0, comma), .sha256 = {}};
  if (image.file.empty()) return user_error("'{}' names no file", name);
  image.sha256 = TRY(sha256_file(image.file));
  Hasher hash = given_hash();
  hash.part("image", image.sha256);
  if (comma != std::string::npos) {
    image.map = files.substr(comma + kMap.size());
    hash.part("map", TRY(sha256_file(image.map)));
  }
  return GivenKernel{.name = name, .hash = hash.hex(), .what = image.file.filename().string(), .from = image};
}

/// Fetches the package into the folder, and unpacks it there. The folder of its files.
Result<fs::path> fetch(const DebianPackage& package, const fs::path& folder) {
  print_err("fetching {} {}\n", package.name, package.version);
  const auto fetched = TRY(run_captured({.argv = {"apt-get", "download", package.name + "=" + package.version},
                                         .folder = folder,
                                         .environment = apt_environment()}));
  std::optional<fs::path> archive;
  for (const fs::path& file : TRY(entries_of(folder))) {
    if (file.extension() == ".deb") archive = file;
  }
  if (fetched.status != 0 || !archive)
    return machine_error("apt-get download {}={} failed:\n{}", package.name, package.version, fetched.output);
  if (TRY(sha256_file(*archive)) != package.sha256)
    return machine_error("what apt fetched is not the {} that it knows of: apt-get update", package.name);
  TRY(output_of({"dpkg-deb", "-x", archive->string(), (folder / "files").string()}));
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

/// Exit::user when the map is of another kernel than the image, by the symbols that the image has of its own.
Result<void> check_map(const std::vector<KernelSymbol>& map, std::string_view elf, const KernelImage& image) {
  if (map.empty()) return user_error("{} has no symbols", image.map.string());
  const auto own = read_kallsyms(elf, image.file.string());
  if (!own) return {};  // nothing to compare with
  std::map<std::string, std::set<std::uint64_t>> addresses;
  for (const KernelSymbol& symbol : map) addresses[symbol.name].insert(symbol.address);
  std::size_t common = 0;
  std::size_t elsewhere = 0;
  for (const KernelSymbol& symbol : *own) {
    const auto found = addresses.find(symbol.name);
    if (!symbol.is_code() || found == addresses.end()) continue;
    ++common;
    if (!found->second.contains(symbol.address)) ++elsewhere;
  }
  if (common > 0 && elsewhere == 0) return {};
  return user_error("{} is of another kernel than {}: of {} functions that both name, {} lie elsewhere",
                    image.map.string(), image.file.string(), common, elsewhere);
}

/// Unpacks an image, and puts the kernel with its symbols into `made`.
Result<void> unpack(const KernelImage& image, const fs::path& made) {
  const std::string bytes = TRY(read_file(image.file));
  if (!image.sha256.empty() && sha256(bytes) != image.sha256)
    return user_error("{} was changed meanwhile: give the same command again", image.file.string());
  std::string elf = TRY(unpack_kernel_image(bytes, image.file.string()));
  if (elf != bytes) TRY(write_file(made / "bzImage", bytes));
  if (!image.map.empty() || !has_symbol_table(elf)) {
    const auto symbols = image.map.empty() ? TRY(read_kallsyms(elf, image.file.string()))
                                           : TRY(parse_system_map(TRY(read_file(image.map)), image.map.string()));
    if (!image.map.empty()) TRY(check_map(symbols, elf, image));
    TRY(write_file(made / "System.map", map_text(symbols)));
    elf = TRY(with_symbol_table(std::move(elf), symbols, image.file.string()));
  }
  return write_file(made / "vmlinux", elf);
}

Result<void> unpack(const DebianPackage& package, const fs::path& made) {
  const fs::path work = made / "work";
  TRY(make_folders(work));
  const fs::path files = TRY(fetch(package, work));
  std::error_code error;
  fs::copy_file(TRY(boot_file(files, "config-")), made / "config", error);
  if (error) return machine_error("cannot keep the config of {}: {}", package.name, error.message());
  TRY(unpack(KernelImage{.file = TRY(boot_file(files, "vmlinuz-")), .sha256 = {}}, made));
  fs::remove_all(work, error);
  return {};
}

}  // namespace

bool names_given_kernel(const std::string& name) {
  return name.starts_with(kDebian) || name.starts_with(kImage) || name.starts_with(kTree);
}

Result<GivenKernel> find_given_kernel(const KernelSpec& spec, const fs::path& kernels_folder, const KernelCache& cache,
                                      const std::vector<Base>& bases) {
  const std::string& name = spec.model.name;
  if (name.starts_with(kDebian)) return find_package(name);
  if (name.starts_with(kImage)) return find_image(name);
  return find_source_tree(spec, kernels_folder, cache, bases);
}

Result<Kernel> provide_kernel(const KernelSpec& spec, const KernelCache& cache, int jobs) {
  const GivenKernel& given = *spec.given;
  const Kernel kernel = cache.kernel(given.name, given.hash);
  const auto have = [&] { return is_complete(cache, spec, kernel) && is_intact(kernel).value_or(false); };
  if (have()) return kernel;
  const auto lock = TRY(cache.lock(kernel));
  if (have()) return kernel;  // another process has made it meanwhile
  TRY(cache.remove(kernel));
  auto made = TRY(cache.folder_for(kernel));
  Json manifest;
  manifest["hash"] = kernel.hash;
  manifest["model"] = given.name;
  manifest["given"] = given.what;
  if (const auto* const package = std::get_if<DebianPackage>(&given.from)) {
    TRY(unpack(*package, made.path()));
  } else if (const auto* const image = std::get_if<KernelImage>(&given.from)) {
    TRY(unpack(*image, made.path()));
  } else {
    TRY(build_source_tree(spec, cache, made.path(), jobs));
  }
  manifest["vmlinux_sha256"] = TRY(sha256_file(made.path() / "vmlinux"));
  const fs::path bzimage = made.path() / kernel.bzimage().filename();
  manifest[kBzimageHash] = is_there(bzimage) ? TRY(sha256_file(bzimage)) : "";
  TRY(write_file(made.path() / "manifest.json", to_text(manifest, 2) + "\n"));
  TRY(cache.keep(kernel, std::move(made)));
  return kernel;
}

}  // namespace nslab
