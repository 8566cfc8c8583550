// SPDX-License-Identifier: GPL-2.0
//
// What the designs cost in bytes.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "document.h"
#include "files.h"
#include "json.h"
#include "kernel_build.h"
#include "kernel_size.h"
#include "numbers.h"
#include "output.h"
#include "terminal.h"
#include "verb.h"

namespace nslab::verb_kernel_size {
namespace {

struct SizeArguments {
  std::vector<std::string> models;
  std::string profile = "lean";
  std::string base = kDefaultBase;
  int files = 10;
  std::string results;
};

struct Sized {
  std::string name;
  KernelSize size;
};

std::string plain(std::int64_t bytes) { return format_number(static_cast<double>(bytes), 0); }
std::string against(std::int64_t bytes, std::int64_t reference) {
  const std::int64_t difference = bytes - reference;
  return plain(bytes) + "\n" + (difference == 0 ? "=" : format_signed(static_cast<double>(difference), 0));
}

Table sizes_table(const std::vector<Sized>& kernels) {
  Table table;
  table.columns.push_back({.heading = "bytes", .align = Align::left});
  for (const Sized& kernel : kernels) table.columns.push_back({.heading = kernel.name});
  const auto add = [&](const std::string& name, const auto& get) {
    std::vector<std::string> row = {name, plain(get(kernels.front().size))};
    for (std::size_t i = 1; i < kernels.size(); ++i)
      row.push_back(against(get(kernels[i].size), get(kernels.front().size)));
    table.rows.push_back(row);
  };
  add("text", [](const KernelSize& size) { return size.total.text; });
  add("data", [](const KernelSize& size) { return size.total.data; });
  add("bss", [](const KernelSize& size) { return size.total.bss; });
  add("bzImage", [](const KernelSize& size) { return size.bzimage; });
  for (const std::string& name : measured_structs())
    add("struct " + name, [&](const KernelSize& size) { return size.structs.at(name); });
  return table;
}

/// The object files that differ, the largest differences first, and what lies outside of object files.
Table files_table(const KernelSize& reference, const KernelSize& other, std::size_t most) {
  std::map<std::string, SymbolSizes> differences;
  for (const auto& [file, sizes] : reference.objects) differences[file] = SymbolSizes{} - sizes;
  for (const auto& [file, sizes] : other.objects) differences[file] += sizes;
  std::vector<std::pair<std::string, SymbolSizes>> files;
  SymbolSizes outside = other.total - reference.total;
  for (const auto& [file, sizes] : differences) {
    outside = outside - sizes;
    if (sizes != SymbolSizes{}) files.emplace_back(file, sizes);
  }
  std::stable_sort(files.begin(), files.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.second.sum()) > std::abs(b.second.sum()); });
  if (files.size() > most) {
    SymbolSizes rest;
    for (std::size_t i = most; i < files.size(); ++i) rest += files[i].second;
    const std::string name = fmt::format("{} more files", files.size() - most);
    files.resize(most);
    files.emplace_back(name, rest);
  }
  files.emplace_back("libraries, linker", outside);
  Table table;
  table.columns = {
      {.heading = "object file", .align = Align::left}, {.heading = "text"}, {.heading = "data"}, {.heading = "bss"}};
  const auto number = [](std::int64_t bytes) {
    return bytes == 0 ? std::string("=") : format_signed(static_cast<double>(bytes), 0);
  };
  for (const auto& [file, sizes] : files)
    table.rows.push_back({file, number(sizes.text), number(sizes.data), number(sizes.bss)});
  return table;
}

/// Today's answer to 'This patchset can save more than 2KB from the vmlinux', Emelianov, 2007-11-14.
std::optional<std::string> claim_of_2007(const std::vector<Sized>& kernels) {
  const auto find = [&](const char* name) {
    return std::find_if(kernels.begin(), kernels.end(), [&](const Sized& kernel) { return kernel.name == name; });
  };
  const auto with = find("multi");
  const auto without = find("nons");
  if (with == kernels.end() || without == kernels.end()) return std::nullopt;
  const SymbolSizes saved = with->size.total - without->size.total;
  return fmt::format(
      "NAMESPACES=n saves {} bytes of text and data today ({} with bss). Its patches of 2007-11-14 promised 'more than "
      "2KB from the vmlinux': {}.",
      plain(saved.text + saved.data), plain(saved.sum()),
      saved.text + saved.data > 2048
          ? fmt::format("that holds, {:.1f} times over", static_cast<double>(saved.text + saved.data) / 2048)
          : std::string("less than that here"));
}

Document describe(const std::vector<Sized>& kernels, const std::string& base, const std::string& profile,
                  std::size_t files) {
  Document document;
  document.push_back({.kind = Block::Kind::title, .text = "nslab kernel size: " + base + ", profile " + profile});
  document.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format("In bytes. text, data and bss are sums over symbols, as sections are padded; "
                           "bzImage is the compressed file. A struct pid as sizeof has it: with more than one level, "
                           "16 bytes for each level that a process has an id in follow it (not so in flat "
                           "kernels, where they are part of it; docs/models.md). Below each: the "
                           "difference from {}.",
                           kernels.front().name),
       .table = sizes_table(kernels)});
  if (const auto claim = claim_of_2007(kernels)) document.push_back({.text = *claim});
  for (std::size_t i = 1; i < kernels.size(); ++i) {
    document.push_back({.kind = Block::Kind::heading,
                        .text = kernels[i].name + " against " + kernels.front().name + ", by object file"});
    document.push_back({.kind = Block::Kind::table,
                        .text = "Bytes more or less, the largest differences first.",
                        .table = files_table(kernels.front().size, kernels[i].size, files)});
  }
  return document;
}

Result<void> size(const SizeArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  const auto base = TRY(table.base(arguments.base));
  const auto profile = TRY(table.profile(arguments.profile));
  std::vector<Model> models;
  for (const std::string& name : arguments.models) {
    const auto model = TRY(table.model(name));
    models.push_back(model);
  }
  const KernelBuilder builder(paths);
  std::vector<Sized> kernels;
  auto manifests = Json::array();
  for (const Model& model : models) {
    const auto kernel = TRY(builder.build({base, profile, model}));
    auto read = TRY(read_kernel_size(kernel.sizes()));
    kernels.push_back({model.name, std::move(read)});
    const auto manifest = TRY(read_manifest(kernel));
    manifests.push_back(manifest);
  }
  const Document document = describe(kernels, base.name, profile.name, static_cast<std::size_t>(arguments.files));
  print_out("{}", render_text(document, terminal_columns()));
  if (arguments.results.empty()) return {};
  const std::filesystem::path folder = arguments.results;
  TRY(make_folders(folder));
  TRY(write_file(folder / "report.md", render_markdown(document)));
  return write_file(folder / "manifest.json", to_text(manifests, 1) + "\n");
}

const RegisterVerb registered({
    .name = "kernel size",
    .help = "compare bytes of code, data and structs; the first model is the reference",
    .examples = "  nslab kernel size multi none nons         what pid namespaces, and all namespaces, cost in bytes",
    .declare = verb_body<SizeArguments>(
        [](Arguments& arguments, SizeArguments& values) {
          arguments.positional("MODEL", values.models,
                               "the models, as 'nslab kernel list' shows them; what is missing is built", "KERNEL");
          arguments.option("--profile", values.profile, "the profile: how the rest of the kernel is configured",
                           "PROFILE");
          arguments.option("--base", values.base, "the base: the unmodified source", "BASE");
          arguments.option("--files", values.files, 0, 100'000, "object files to list for each model (default: 10)");
          arguments.option("--results", values.results, "folder for the tables (report.md) and the kernels' manifests",
                           "FOLDER");
        },
        size),
});

}  // namespace
}  // namespace nslab::verb_kernel_size
