// SPDX-License-Identifier: GPL-2.0
#include "include_graph.h"

#include <fmt/format.h>

#include <regex>
#include <sstream>

#include "files.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// The C++ files of each folder in `root`, sorted, so that the mistakes come in the same order everywhere.
std::map<std::string, std::set<fs::path>> files_by_folder(const fs::path& root) {
  std::map<std::string, std::set<fs::path>> files;
  for (const auto& folder : fs::directory_iterator(root)) {
    if (!folder.is_directory()) continue;
    for (const auto& file : fs::directory_iterator(folder)) {
      const fs::path extension = file.path().extension();
      if (extension == ".h" || extension == ".cc") files[folder.path().filename().string()].insert(file.path());
    }
  }
  return files;
}

}  // namespace

std::string IncludeGraph::text() const {
  std::string lines;
  for (const auto& [arrow, count] : arrows) lines += fmt::format("{} -> {} {}\n", arrow.first, arrow.second, count);
  return lines;
}

Result<IncludeGraph> read_include_graph(const fs::path& root, const IncludeFlow& flow) {
  static const std::regex include(R"(^\s*#\s*include\s*["<]([^">]+)[">].*)");
  IncludeGraph graph;
  const auto files = files_by_folder(root);
  std::map<std::string, std::string> folder_of;  // by header
  for (const auto& [folder, paths] : files) {
    if (!flow.contains(folder)) graph.mistakes.push_back(fmt::format("the flow has no folder '{}'", folder));
    for (const fs::path& path : paths) {
      const std::string name = path.filename().string();
      if (path.extension() != ".h") continue;
      const auto [other, added] = folder_of.emplace(name, folder);
      if (!added) graph.mistakes.push_back(fmt::format("{} is in {} and in {}", name, other->second, folder));
    }
  }

  for (const auto& [folder, paths] : files) {
    for (const fs::path& path : paths) {
      std::istringstream lines(TRY(read_file(path)));
      int number = 0;
      for (std::string line; std::getline(lines, line);) {
        ++number;
        std::smatch match;
        if (!std::regex_match(line, match, include)) continue;
        const std::string header = match[1];
        const std::string where = fmt::format("{}/{}:{}", folder, path.filename().string(), number);
        const bool in_tree = header.find("../") != std::string::npos || fs::exists(root / header);
        if (header.find('/') != std::string::npos) {
          if (!in_tree) continue;  // the system's, as <sys/wait.h>
          graph.mistakes.push_back(fmt::format("{}: '{}' is a path; a header is included by its name", where, header));
        }
        const auto found = folder_of.find(fs::path(header).filename().string());
        if (found == folder_of.end()) continue;
        const std::string& target = found->second;
        if (target == folder) continue;
        ++graph.arrows[{folder, target}];
        if (flow.contains(folder) && !flow.at(folder).contains(target)) {
          graph.mistakes.push_back(
              fmt::format("{}: {} may not include {}, which has {}", where, folder, target, header));
        }
      }
    }
  }
  return graph;
}

}  // namespace nslab
