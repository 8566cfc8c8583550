// SPDX-License-Identifier: GPL-2.0
#include "plots.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "files.h"
#include "report_document.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

constexpr int note_columns = 170;  // of the templates' small type on their 1,200 pixels

constexpr std::string_view gnuplot_missing =
    "gnuplot is not installed, no plot was drawn: apt-get install gnuplot-nox (the tables need no gnuplot).";

/// One colour of the bars: a kernel at a depth.
struct Series {
  std::string kernel;
  int depth = 0;
};

const View& shown(const Report& report) { return report.views.front(); }

const Cell* find_cell(const Report& report, const std::string& benchmark, const std::string& kernel, int depth) {
  const auto& cells = shown(report).cells;
  const auto found = cells.find({benchmark, kernel, depth});
  return found == cells.end() ? nullptr : &found->second;
}

/// A kernel's number, from 1: the same colour in every plot of a report.
std::size_t number_of(const Report& report, const std::string& kernel) {
  return static_cast<std::size_t>(std::find(report.kernels.begin(), report.kernels.end(), kernel) -
                                  report.kernels.begin()) +
         1;
}

const std::optional<Comparison>* overhead(const Report& report, const std::string& benchmark, const Series& series) {
  const Cell* cell = find_cell(report, benchmark, series.kernel, series.depth);
  return cell != nullptr && cell->against_reference && cell->against_reference->percent ? &cell->against_reference
                                                                                        : nullptr;
}

/// The bars would be too many with all depths: the initial namespace and one level below are the question; the deeper
/// ones have a plot of their own.
std::vector<int> bar_depths(const Report& report) {
  std::vector<int> depths = report.depths;
  if (depths.size() > 2) depths.resize(2);
  return depths;
}

std::vector<Series> bar_series(const Report& report) {
  std::vector<Series> series;
  for (const std::string& kernel : report.kernels) {
    for (const int depth : bar_depths(report)) {
      const bool any = std::any_of(report.benchmarks.begin(), report.benchmarks.end(), [&](const auto& b) {
        return overhead(report, b, {kernel, depth}) != nullptr;
      });
      if (any) series.push_back({kernel, depth});
    }
  }
  return series;
}

std::vector<std::string> bar_benchmarks(const Report& report) {
  std::vector<std::string> benchmarks;
  const auto series = bar_series(report);
  for (const std::string& benchmark : report.benchmarks) {
    if (std::any_of(series.begin(), series.end(),
                    [&](const Series& s) { return overhead(report, benchmark, s) != nullptr; })) {
      benchmarks.push_back(benchmark);
    }
  }
  return benchmarks;
}

struct Lines {
  std::vector<std::string> benchmarks;
  std::vector<std::string> kernels;
};

bool has_point(const Report& report, const std::string& benchmark, const std::string& kernel, int depth) {
  const Cell* cell = find_cell(report, benchmark, kernel, depth);
  return cell != nullptr && cell->against_origin;
}

Lines depth_lines(const Report& report) {
  Lines lines;
  if (report.depths.size() < 2) return lines;
  std::set<std::string> kernels;
  for (const std::string& benchmark : report.benchmarks) {
    bool any = false;
    for (const std::string& kernel : report.kernels) {
      for (const int depth : report.depths) {
        if (!has_point(report, benchmark, kernel, depth)) continue;
        kernels.insert(kernel);
        any = true;
      }
    }
    if (any) lines.benchmarks.push_back(benchmark);
  }
  for (const std::string& kernel : report.kernels) {
    if (kernels.contains(kernel)) lines.kernels.push_back(kernel);
  }
  return lines;
}

struct GrowthLines {
  std::vector<std::pair<std::string, std::string>> panels;  ///< operation and quantity
  std::vector<Series> lines;
};

const Growth* find_growth(const Report& report, const std::string& series, const std::string& quantity,
                          const Series& line) {
  for (const Growth& growth : shown(report).growths) {
    if (growth.series == series && growth.quantity == quantity && growth.kernel == line.kernel &&
        growth.depth == line.depth) {
      return &growth;
    }
  }
  return nullptr;
}

/// What grows with levels is in the plot of the cost of depth.
GrowthLines growth_lines(const Report& report) {
  GrowthLines lines;
  for (const Growth& growth : shown(report).growths) {
    if (!growth.depth) continue;
    if (lines.panels.empty() || lines.panels.back() != std::pair(growth.series, growth.quantity)) {
      lines.panels.emplace_back(growth.series, growth.quantity);
    }
  }
  for (const std::string& kernel : report.kernels) {
    for (const int depth : bar_depths(report)) {
      const bool any = std::any_of(lines.panels.begin(), lines.panels.end(), [&](const auto& panel) {
        return find_growth(report, panel.first, panel.second, {kernel, depth}) != nullptr;
      });
      if (any) lines.lines.push_back({kernel, depth});
    }
  }
  if (lines.lines.empty()) lines.panels.clear();
  return lines;
}

/// A logarithmic axis has no room for an interval that reaches below 0: that end is then left out.
std::optional<Interval> above_zero(const Estimate& cost) {
  if (!cost.interval || cost.interval->low > 0) return cost.interval;
  return Interval{cost.value, cost.interval->high};
}

std::string field(double value) { return fmt::format("{:.6f}", value); }

std::string fields(double value, const std::optional<Interval>& interval) {
  const Interval i = interval.value_or(Interval{value, value});
  return fmt::format("{} {} {}", field(value), field(i.low), field(i.high));
}

/// gnuplot's word() splits at blanks; a no-break space looks the same and is none.
std::string as_word(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ') {
      out += "\u00a0";
    } else {
      out += c;
    }
  }
  return out;
}

/// What a plot is of, and how sure: the second line of its title.
std::string subtitle(const Report& report) {
  int low = 0;
  int high = 0;
  for (const auto& [key, cell] : shown(report).cells) {
    if (cell.state != Cell::State::measured) continue;
    low = low == 0 ? cell.measured_boots : std::min(low, cell.measured_boots);
    high = std::max(high, cell.measured_boots);
  }
  const std::string boots = low == high ? fmt::to_string(high) : fmt::format("{} to {}", low, high);
  const RunRecord& run = report.run;
  std::string text =
      fmt::format("{}, {}, profile {}; {} meter ({}), {} boots a cell; error bars: {:.4g} % interval", run.experiment,
                  run.base, run.profile, run.meter, report.accelerator, boots, 100 * report.options.level);
  if (run.boots_done < run.boots_planned) {
    text += fmt::format("; INCOMPLETE, {} boots missing", run.boots_planned - run.boots_done);
  }
  if (run.profile == "mini") text += "\nPROFILE mini: NOT FOR MEASUREMENT";
  return text;
}

Result<void> write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return machine_error("cannot write {}: {}.", path.string(), std::strerror(errno));
  return {};
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// Runs gnuplot, with no shell between, and reads what it complains of.
Result<void> run_gnuplot(const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return machine_error("pipe: {}.", std::strerror(errno));
  Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);

  std::vector<char*> argv;
  std::vector<std::string> words = {"gnuplot", "-d"};  // -d: nobody's ~/.gnuplot
  words.insert(words.end(), arguments.begin(), arguments.end());
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
  pid_t pid = 0;
  const int spawned = ::posix_spawnp(&pid, "gnuplot", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (spawned == ENOENT) return machine_error("{}", gnuplot_missing);
  if (spawned != 0) return machine_error("cannot start gnuplot: {}.", std::strerror(spawned));

  write_end.reset();
  std::string complaint;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(read_end.get(), buffer, sizeof buffer)) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    complaint.append(buffer, static_cast<std::size_t>(n));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return machine_error("{}", gnuplot_missing);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{Exit::bug,
                 fmt::format("gnuplot failed ({} {}) on {}:\n{}", WIFEXITED(status) ? "status" : "signal",
                             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), words.at(3), complaint)};
  }
  return {};
}

/// One template, drawn twice.
Result<std::vector<std::string>> draw(const fs::path& gp, const fs::path& stem, const std::string& data,
                                      const std::vector<std::string>& arguments) {
  const auto with = [&](const char* extension) { return fs::path(stem.string() + extension); };
  std::error_code ignored;
  for (const char* extension : {".png", ".svg", ".dat"}) fs::remove(with(extension), ignored);
  if (data.empty()) return std::vector<std::string>{};
  if (!fs::exists(gp)) return machine_error("the plot template {} is missing: is this a whole checkout?", gp.string());
  TRY(write_file(with(".dat"), data));

  std::vector<std::string> paths;
  for (const auto& [terminal, extension] : {std::pair("pngcairo", ".png"), std::pair("svg", ".svg")}) {
    std::vector<std::string> words = {"-c", gp.string(), terminal, with(extension).string(), with(".dat").string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    if (const auto drawn = run_gnuplot(words); !drawn) {
      fs::remove(with(extension), ignored);  // half a picture is worse than none
      return drawn.error();
    }
    if (!fs::exists(with(extension)) || fs::file_size(with(extension)) == 0) {
      return Error{Exit::bug, fmt::format("gnuplot said nothing and wrote no {}.", with(extension).string())};
    }
    paths.push_back(with(extension).string());
  }
  return paths;
}

template <class Items, class Text>
std::string words_of(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : " ") + text(item);
  return out;
}

Result<std::vector<std::string>> draw_bars(const Report& report, const fs::path& folder, const fs::path& templates) {
  const auto series = bar_series(report);
  const auto depths = bar_depths(report);
  const std::string where = report.reference_at_depth_zero ? " at depth 0" : " at the same depth";
  const std::string title = fmt::format("Overhead against {}{}: {}\n{}", report.reference, where,
                                        quantity_text(report.run, shown(report).statistic), subtitle(report));
  const auto kernel_numbers =
      words_of(series, [&](const Series& s) { return fmt::to_string(number_of(report, s.kernel)); });
  const auto depth_numbers = words_of(series, [&](const Series& s) {
    return fmt::to_string(std::find(depths.begin(), depths.end(), s.depth) - depths.begin() + 1);
  });
  std::string note = refused_note(report);
  std::string undrawn;
  const auto drawn = bar_benchmarks(report);
  for (const std::string& benchmark : report.benchmarks) {
    if (std::find(drawn.begin(), drawn.end(), benchmark) != drawn.end()) continue;
    undrawn += (undrawn.empty() ? "" : ", ") + benchmark;
  }
  if (!undrawn.empty())
    note += fmt::format("{}No figure of {} to compare with: {}.", note.empty() ? "" : " ", report.reference, undrawn);
  return draw(templates / "bars.gp", folder / "overhead", bars_data(report),
              {title, fmt::format("overhead, % of {}", report.reference), kernel_numbers, depth_numbers,
               words_of(drawn, as_word), wrap(note, note_columns)});
}

Result<std::vector<std::string>> draw_depth(const Report& report, const fs::path& folder, const fs::path& templates) {
  const Lines lines = depth_lines(report);
  const std::string title =
      fmt::format("The cost of depth: {}\n{}", quantity_text(report.run, shown(report).statistic), subtitle(report));
  const auto panel = [&](const std::string& benchmark) {
    const std::string& origin = shown(report).origins.at(benchmark);
    const Cell* cell = find_cell(report, benchmark, origin, 0);
    return as_word(fmt::format("{} (0 = {} at depth 0: {})", benchmark, origin, format_number(cell->value.value, 0)));
  };
  const auto kernel_numbers =
      words_of(lines.kernels, [&](const std::string& k) { return fmt::to_string(number_of(report, k)); });
  return draw(templates / "depth.gp", folder / "depth", depth_data(report),
              {title, fmt::format("{}, difference", report.run.unit), words_of(lines.benchmarks, panel),
               words_of(lines.kernels, as_word), kernel_numbers, wrap(refused_note(report), note_columns)});
}

Result<std::vector<std::string>> draw_growth(const Report& report, const fs::path& folder, const fs::path& templates) {
  const GrowthLines lines = growth_lines(report);
  const auto depths = bar_depths(report);
  const std::string title =
      fmt::format("How cost grows: {}\n{}", quantity_text(report.run, shown(report).statistic), subtitle(report));
  return draw(
      templates / "growth.gp", folder / "growth", growth_data(report),
      {title, words_of(lines.panels, [](const auto& p) { return as_word(p.first + " against " + p.second); }),
       words_of(lines.lines, [](const Series& s) { return as_word(fmt::format("{}, depth {}", s.kernel, s.depth)); }),
       words_of(lines.lines, [&](const Series& s) { return fmt::to_string(number_of(report, s.kernel)); }),
       words_of(lines.lines, [&](const Series& s) { return std::string(s.depth == depths.front() ? "1" : "2"); }),
       wrap(refused_note(report), note_columns)});
}

}  // namespace

std::string bars_data(const Report& report) {
  const auto series = bar_series(report);
  if (series.empty()) return "";
  std::string out =
      "# per cent against the reference: value, low and high end of the interval, for each series\nbenchmark";
  for (const Series& s : series) out += fmt::format(" \"{}, depth {}\" low high", s.kernel, s.depth);
  out += '\n';
  for (const std::string& benchmark : bar_benchmarks(report)) {
    out += benchmark;
    for (const Series& s : series) {
      const auto* c = overhead(report, benchmark, s);
      out += " " + (c == nullptr ? "? ? ?" : fields(*(*c)->percent, (*c)->percent_interval));
    }
    out += '\n';
  }
  return out;
}

std::string depth_data(const Report& report) {
  const Lines lines = depth_lines(report);
  if (lines.benchmarks.empty()) return "";
  std::string out = fmt::format(
      "# depth, {} beyond the origin's depth 0, low and high end of the interval; a block for each "
      "benchmark and kernel\n",
      report.run.unit);
  bool first = true;
  for (const std::string& benchmark : lines.benchmarks) {
    for (const std::string& kernel : lines.kernels) {
      if (!first) out += "\n\n";
      first = false;
      out += fmt::format("# {} on {}\n", benchmark, kernel);
      bool any = false;
      for (const int depth : report.depths) {
        if (!has_point(report, benchmark, kernel, depth)) continue;
        const Comparison& c = *find_cell(report, benchmark, kernel, depth)->against_origin;
        out += fmt::format("{} {}\n", depth, fields(c.difference, c.interval));
        any = true;
      }
      if (!any) out += "? ? ? ?\n";  // keeps the blocks' numbers
    }
  }
  return out;
}

std::string growth_data(const Report& report) {
  const GrowthLines lines = growth_lines(report);
  if (lines.panels.empty()) return "";
  std::string out = fmt::format(
      "# size, {} per operation, low and high end of the interval; a block for each operation and quantity, kernel and "
      "depth\n",
      report.run.unit);
  bool first = true;
  for (const auto& [series, quantity] : lines.panels) {
    for (const Series& line : lines.lines) {
      if (!first) out += "\n\n";
      first = false;
      out += fmt::format("# {} against {} on {}, depth {}\n", series, quantity, line.kernel, line.depth);
      const Growth* growth = find_growth(report, series, quantity, line);
      if (growth == nullptr) {
        out += "? ? ? ?\n";  // keeps the blocks' numbers
        continue;
      }
      for (const auto& [size, cost] : growth->points) {
        out += fmt::format("{:.0f} {}\n", size, fields(cost.value, above_zero(cost)));
      }
    }
  }
  return out;
}

std::string refused_note(const Report& report) {
  // A kernel that refuses a depth altogether is one entry, not one for each benchmark.
  std::map<std::pair<std::string, int>, std::pair<int, int>> counts;  // refused, all
  std::string refusal;
  for (const auto& [key, cell] : shown(report).cells) {
    auto& [refused, all] = counts[{key.kernel, key.depth}];
    ++all;
    if (cell.state != Cell::State::refused) continue;
    ++refused;
    refusal = cell.refusal;
  }
  std::vector<std::string> entries;
  for (const std::string& kernel : report.kernels) {
    std::string depths;
    for (const int depth : report.depths) {
      const auto found = counts.find({kernel, depth});
      if (found == counts.end() || found->second.first == 0) continue;
      if (found->second.first == found->second.second) {
        depths += (depths.empty() ? "" : ", ") + fmt::to_string(depth);
        continue;
      }
      for (const auto& [key, cell] : shown(report).cells) {
        if (key.kernel != kernel || key.depth != depth || cell.state != Cell::State::refused) continue;
        entries.push_back(fmt::format("{} on {} at depth {}", key.benchmark, kernel, depth));
      }
    }
    if (!depths.empty()) entries.push_back(fmt::format("{} at depth {}", kernel, depths));
  }
  if (entries.empty()) return "";
  return fmt::format("Refused ({}), thus not drawn: {}.", refusal, fmt::join(entries, "; "));
}

Result<std::vector<std::string>> write_plots(const Report& report, const std::string& folder,
                                             const std::string& templates_folder) {
  TRY(make_folders(folder));
  std::vector<std::string> paths;
  for (auto* drawing : {&draw_bars, &draw_depth, &draw_growth}) {
    const auto drawn = TRY(drawing(report, folder, templates_folder));
    paths.insert(paths.end(), drawn.begin(), drawn.end());
  }
  return paths;
}

}  // namespace nslab
