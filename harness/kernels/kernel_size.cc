// SPDX-License-Identifier: GPL-2.0
#include "kernel_size.h"

#include <charconv>
#include <set>
#include <tuple>

#include "files.h"
#include "json.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The fields of a line of nm's table: name, value, class, type, size, line and section.
std::vector<std::string> fields_of(const std::string& line) {
  auto fields = split_at(line, '|');
  for (std::string& field : fields) field = trimmed(field);
  return fields;
}

/// What nm prints of a file's symbols. `file` is relative to the build folder, and so are then the names that nm prints
/// for the members of a thin archive.
Result<std::string> nm(const fs::path& build_folder, const std::string& file) {
  const auto run = TRY(
      run_captured({.argv = {"nm", "--format=sysv", "--print-size", "--defined-only", file}, .folder = build_folder}));
  if (run.status != 0) return machine_error("nm failed on {}:\n{}", file, run.output);
  return run.output;
}

/// The command that compiled kernel/pid.c, as Kbuild recorded it, made to compile `source` to `object` instead.
Result<std::string> compile_like_pid(const fs::path& build_folder, const std::string& source,
                                     const std::string& object) {
  const auto recorded = TRY(read_file(build_folder / "kernel/.pid.o.cmd"));
  const auto start = recorded.find(":= ");
  const auto output = recorded.find(" -o kernel/pid.o ");
  if (start == std::string::npos || output == std::string::npos || output < start) {
    return user_error(
        "{} has no command that compiles kernel/pid.c to kernel/pid.o, as Kbuild of 6.12 writes it: the sizes of "
        "structs "
        "cannot be measured. Is the source's scripts/Kbuild.include or kernel/Makefile changed?",
        (build_folder / "kernel/.pid.o.cmd").string());
  }
  return recorded.substr(start + 3, output - start - 3) + " -o " + object + " " + source;
}

Result<std::map<std::string, std::int64_t>> struct_sizes(const fs::path& build_folder) {
  std::string source = "#include <linux/pid_namespace.h>\n#include <linux/sched.h>\n";
  for (const auto& name : measured_structs())
    source += "char size_of_" + name + "[sizeof(struct " + name + ")] = { 1 };\n";
  const std::string object = "nslab-structs.o";
  const std::string file = "nslab-structs.c";
  TRY(write_file(build_folder / file, source));
  const auto command = TRY(compile_like_pid(build_folder, file, object));
  const auto compiled = run_captured({.argv = {"sh", "-c", command}, .folder = build_folder});
  if (!compiled) return compiled.error();
  if (compiled->status != 0) return machine_error("cannot compile for the sizes of structs:\n{}", compiled->output);
  const auto symbols = TRY(nm(build_folder, object));
  std::map<std::string, std::int64_t> sizes;
  for (const std::string& line : lines_of(symbols)) {
    const auto fields = fields_of(line);
    if (fields.size() < 5 || !fields[0].starts_with("size_of_")) continue;
    std::int64_t bytes = 0;
    if (std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), bytes, 16).ec != std::errc()) continue;
    sizes[fields[0].substr(8)] = bytes;
  }
  if (sizes.size() != measured_structs().size())
    return machine_error("nm does not show the sizes of structs, as that of binutils 2.40 does:\n{}", symbols);
  return sizes;
}

Json json_of(const SymbolSizes& sizes) { return {sizes.text, sizes.data, sizes.bss}; }

SymbolSizes symbol_sizes_of(const Json& json) { return {json.at(0), json.at(1), json.at(2)}; }

}  // namespace

SymbolSizes& SymbolSizes::operator+=(const SymbolSizes& other) {
  text += other.text;
  data += other.data;
  bss += other.bss;
  return *this;
}

std::map<std::string, SymbolSizes> parse_symbol_sizes(const std::string& nm_output) {
  constexpr std::string_view kHead = "Symbols from ";
  std::map<std::string, SymbolSizes> sizes;
  std::string file;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const std::string& line : lines_of(nm_output)) {
    if (line.starts_with(kHead)) {
      // "Symbols from vmlinux:", "Symbols from vmlinux.a[init/main.o]:"
      file = line.substr(kHead.size(), line.rfind(':') - kHead.size());
      if (const auto member = file.find('['); member != std::string::npos)
        file = file.substr(member + 1, file.rfind(']') - member - 1);
      sizes[file];
      seen.clear();
      continue;
    }
    const auto fields = fields_of(line);
    if (fields.size() != 7 || fields[2].size() != 1 || fields[6].starts_with(".discard.")) continue;
    // A kernel is linked into 2 GiB: no symbol is larger, and no sum of such sizes overflows.
    std::uint32_t bytes = 0;
    const auto& size = fields[4];
    if (std::from_chars(size.data(), size.data() + size.size(), bytes, 16).ec != std::errc()) continue;  // no size
    if (!seen.emplace(fields[6], fields[1], size).second) continue;
    switch (fields[2].front()) {
      case 't':
      case 'T':
      case 'w':
      case 'W':
        sizes[file].text += bytes;
        break;
      case 'd':
      case 'D':
      case 'r':
      case 'R':
      case 'v':
      case 'V':
        sizes[file].data += bytes;
        break;
      case 'b':
      case 'B':
        sizes[file].bss += bytes;
        break;
      default:
        break;
    }
  }
  return sizes;
}

const std::vector<std::string>& measured_structs() {
  static const std::vector<std::string> names = {"pid", "pid_namespace", "task_struct"};
  return names;
}

Result<KernelSize> measure_kernel_size(const fs::path& build_folder) {
  KernelSize size;
  const auto whole = TRY(nm(build_folder, "vmlinux"));
  for (const auto& [file, sizes] : parse_symbol_sizes(whole)) size.total += sizes;
  const auto parts = TRY(nm(build_folder, "vmlinux.a"));
  size.objects = parse_symbol_sizes(parts);
  const auto structs = TRY(struct_sizes(build_folder));
  size.structs = structs;
  const fs::path bzimage = build_folder / "arch/x86/boot/bzImage";
  size.bzimage = static_cast<std::int64_t>(size_of_file(bzimage));
  if (size.bzimage == 0) return machine_error("the build ended well and left no {}", bzimage.string());
  return size;
}

std::string to_json(const KernelSize& size) {
  Json json;
  json["unit"] = "bytes; symbols: [text, data, bss]";
  json["symbols"] = json_of(size.total);
  json["bzImage"] = size.bzimage;
  json["structs"] = size.structs;
  json["objects"] = Json::object();
  for (const auto& [file, sizes] : size.objects) json["objects"][file] = json_of(sizes);
  return to_text(json, 1) + "\n";
}

Result<KernelSize> read_kernel_size(const fs::path& sizes_json) {
  const auto parsed = parse_json(TRY(read_file(sizes_json)));
  try {
    const Json json = parsed.value_or(Json());
    KernelSize size;
    size.total = symbol_sizes_of(json.at("symbols"));
    size.bzimage = json.at("bzImage");
    size.structs = json.at("structs").get<std::map<std::string, std::int64_t>>();
    for (const std::string& name : measured_structs()) json.at("structs").at(name);
    for (const auto& [file, sizes] : json.at("objects").items()) size.objects[file] = symbol_sizes_of(sizes);
    return size;
  } catch (const Json::exception& error) {
    return machine_error("{} is damaged ({}): remove its folder, and the kernel is built anew", sizes_json.string(),
                         error.what());
  }
}

}  // namespace nslab
