// SPDX-License-Identifier: GPL-2.0
#include "gnuplot.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

#include "files.h"
#include "processes.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

/// One of the two forms of a picture. gnuplot does not look whether what it writes arrives (it ends with 0 on a full
/// disk), so that a picture is whole if it ends as its format does.
struct Form {
  const char* terminal;   ///< gnuplot's
  const char* extension;  ///< of its file
  std::string_view end;   ///< what every whole file ends with, before newlines
};
constexpr Form kForms[] = {{"pngcairo", ".png", {"IEND\xae\x42\x60\x82", 8}}, {"svg", ".svg", "</svg>"}};

/// The picture that gnuplot draws to `beside`; `words` are gnuplot's own arguments, which name that, too.
Result<std::string> draw_picture(const std::vector<std::string>& words, const Form& form, const fs::path& beside) {
  const auto ended = run_captured({.argv = words});
  if (!ended) {
    if (ended.error().exit != Exit::machine) return ended.error();
    return machine_error(
        "{}, so that no plot was drawn. The tables need no gnuplot. If it is missing: apt-get install gnuplot-nox",
        ended.error().message);
  }
  if (!WIFEXITED(ended->status) || WEXITSTATUS(ended->status) != 0) {
    // By a signal: for want of memory, or threads.
    return Error{WIFSIGNALED(ended->status) ? Exit::machine : Exit::bug,
                 fmt::format("gnuplot failed ({}) to draw {}:\n{}", describe_status(ended->status), beside.string(),
                             ended->output)};
  }
  auto drawn = read_file(beside);
  if (!drawn || !without_last_newlines(*drawn).ends_with(form.end)) {
    return machine_error("gnuplot could not write all of {}: is the disk full?", beside.string());
  }
  return drawn;
}

}  // namespace

Result<std::vector<std::string>> run_gnuplot(const fs::path& template_file, const fs::path& stem,
                                             const Drawing& drawing) {
  const auto with = [&](const char* extension) { return fs::path(stem.string() + extension); };
  std::error_code ignored;
  if (drawing.data.empty()) {
    for (const char* extension : {".png", ".svg", ".dat"}) fs::remove(with(extension), ignored);
    return std::vector<std::string>{};
  }
  // gnuplot takes a relative name that starts with '<', '|' or '$' for a program to start or a block of data.
  const auto for_gnuplot = [&](const fs::path& file) { return fs::absolute(file, ignored).string(); };
  if (!is_there(template_file)) {
    return machine_error("the plot template {} is missing: is this a whole checkout?", template_file.string());
  }
  TRY(write_file(with(".dat"), drawing.data));

  std::vector<std::string> pictures;
  for (const Form& form : kForms) {
    const fs::path picture = with(form.extension);
    const fs::path beside = fmt::format("{}.{}.tmp", picture.string(), ::getpid());
    // -d: nobody's ~/.gnuplot
    std::vector<std::string> words = {"gnuplot",
                                      "-d",
                                      "-c",
                                      for_gnuplot(template_file),
                                      form.terminal,
                                      for_gnuplot(beside),
                                      for_gnuplot(with(".dat"))};
    for (const std::string& argument : drawing.arguments) words.push_back(without_controls(argument));
    const auto drawn = draw_picture(words, form, beside);
    fs::remove(beside, ignored);
    if (!drawn) return drawn.error();
    TRY(write_file(picture, *drawn));
    pictures.push_back(picture.string());
  }
  return pictures;
}

}  // namespace nslab
