// SPDX-License-Identifier: GPL-2.0
#include "gnuplot.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include "files.h"
#include "processes.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

Result<void> draw_picture(const std::vector<std::string>& words, const fs::path& picture) {
  const auto ended = run_captured({.argv = words});
  if (!ended) {
    if (ended.error().exit != Exit::machine) return ended.error();
    return machine_error(
        "{}. No plot was drawn; the tables need no gnuplot. If gnuplot is missing: apt-get install gnuplot-nox",
        ended.error().message);
  }
  if (!WIFEXITED(ended->status) || WEXITSTATUS(ended->status) != 0) {
    return Error{Exit::bug, fmt::format("gnuplot failed ({}) to draw {}:\n{}", describe_status(ended->status),
                                        picture.string(), ended->output)};
  }
  if (size_of_file(picture) == 0) {
    return Error{Exit::bug, fmt::format("gnuplot ended well and wrote no {}:\n{}", picture.string(), ended->output)};
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> run_gnuplot(const fs::path& template_file, const fs::path& stem,
                                             const Drawing& drawing) {
  const auto with = [&](const char* extension) { return fs::path(stem.string() + extension); };
  std::error_code ignored;
  // gnuplot takes a relative name that starts with '<', '|' or '$' for a program to start or a block of data.
  const auto for_gnuplot = [&](const fs::path& file) { return fs::absolute(file, ignored).string(); };
  for (const char* extension : {".png", ".svg", ".dat"}) fs::remove(with(extension), ignored);
  if (drawing.data.empty()) return std::vector<std::string>{};
  if (!is_there(template_file)) {
    return machine_error("the plot template {} is missing: is this a whole checkout?", template_file.string());
  }
  TRY(write_file(with(".dat"), drawing.data));

  std::vector<std::string> pictures;
  for (const auto& [terminal, extension] : {std::pair("pngcairo", ".png"), std::pair("svg", ".svg")}) {
    const fs::path picture = with(extension);
    // -d: nobody's ~/.gnuplot
    std::vector<std::string> words = {
        "gnuplot", "-d", "-c", for_gnuplot(template_file), terminal, for_gnuplot(picture), for_gnuplot(with(".dat"))};
    words.insert(words.end(), drawing.arguments.begin(), drawing.arguments.end());
    if (const auto drawn = draw_picture(words, picture); !drawn) {
      fs::remove(picture, ignored);  // half a picture is worse than none
      return drawn.error();
    }
    pictures.push_back(picture.string());
  }
  return pictures;
}

}  // namespace nslab
