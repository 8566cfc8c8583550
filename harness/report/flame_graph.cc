// SPDX-License-Identifier: GPL-2.0
#include "flame_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace nslab {

namespace {

constexpr double kFlameWidth = 1200;  // pixels
constexpr double kFrameHeight = 17;
constexpr double kLeastFrame = 0.5;  // pixels: what is narrower is not drawn
constexpr double kLetter = 6.2;      // pixels, of the font below
constexpr double kNoteHeight = 14;

std::string xml_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// The root of a share, so that small ones are seen as well: 255 for 0, and less for more.
int paler(double share) { return static_cast<int>(std::lround(255 - 190 * std::sqrt(share))); }

class FlamePainter {
 public:
  explicit FlamePainter(const std::vector<FlameFrame>& frames)
      : tree_(frames), children_(frames.size()), widths_(frames.size()) {
    for (std::uint32_t i = 1; i < tree_.size(); ++i) children_[tree_[i].parent].push_back(i);
    for (std::uint32_t i = static_cast<std::uint32_t>(tree_.size()); i-- > 0;) {
      widths_[i] += tree_[i].own;
      if (i > 0) widths_[tree_[i].parent] += widths_[i];
    }
    for (auto& list : children_) {
      std::sort(list.begin(), list.end(), [&](std::uint32_t x, std::uint32_t y) {
        return tree_[x].function != tree_[y].function ? tree_[x].function < tree_[y].function : x < y;
      });
    }
    if (!tree_.empty() && widths_[0] > 0) {
      scale_ = kFlameWidth / widths_[0];
      paint(0, 0, 0);
    }
  }

  std::size_t levels() const { return levels_; }
  /// Frames from the bottom up; `height` is where the lowest begins.
  std::string frames(double height) const {
    std::string text;
    for (const Painted& painted : painted_) {
      const FlameFrame& frame = tree_[painted.frame];
      const double y = height - kFrameHeight * static_cast<double>(painted.level + 1);
      text += fmt::format(
          "<g><title>{}: {}</title><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
          "height=\"{:.1f}\" "
          "fill=\"{}\" stroke=\"#bbb\" stroke-width=\"0.5\"/>",
          xml_text(frame.function), xml_text(frame.title), painted.x, y, std::max(painted.width - 0.3, 0.2),
          kFrameHeight - 1, frame.colour);
      const auto letters = static_cast<std::size_t>(std::max(0.0, painted.width - 6) / kLetter);
      if (letters >= 3) {
        const bool fits = frame.function.size() <= letters;
        text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", painted.x + 3, y + kFrameHeight - 5,
                            xml_text(fits ? frame.function : frame.function.substr(0, letters - 2) + ".."));
      }
      text += "</g>\n";
    }
    return text;
  }

 private:
  struct Painted {
    std::uint32_t frame;
    std::size_t level;
    double x;
    double width;
  };

  void paint(std::uint32_t frame, std::size_t level, double x) {
    const double width = widths_[frame] * scale_;
    if (width < kLeastFrame) return;
    levels_ = std::max(levels_, level + 1);
    painted_.push_back({frame, level, x, width});
    for (const std::uint32_t child : children_[frame]) {
      paint(child, level + 1, x);
      x += widths_[child] * scale_;
    }
  }

  const std::vector<FlameFrame>& tree_;
  std::vector<std::vector<std::uint32_t>> children_;
  std::vector<double> widths_;
  std::vector<Painted> painted_;
  double scale_ = 0;
  std::size_t levels_ = 0;
};

}  // namespace

std::string draw_flame_graph(const std::string& title, const std::vector<std::string>& notes,
                             const std::vector<FlameFrame>& frames) {
  const double head = 30 + kNoteHeight * static_cast<double>(notes.size());
  const FlamePainter painter(frames);
  const double height = head + kFrameHeight * static_cast<double>(painter.levels()) + 8;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" height=\"{1:.0f}\" "
      "font-family=\"monospace\" font-size=\"10.5\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"4\" y=\"18\" font-size=\"14\">{2}</text>\n",
      kFlameWidth, height, xml_text(title));
  for (std::size_t i = 0; i < notes.size(); ++i) {
    text += fmt::format("<text x=\"4\" y=\"{:.0f}\">{}</text>\n", 34 + kNoteHeight * static_cast<double>(i),
                        xml_text(notes[i]));
  }
  text += painter.frames(height - 4);
  return text + "</svg>\n";
}

std::string difference_colour(double a, double b) {
  const double most = std::max(a, b);
  const double share = most == 0 ? 0 : (b - a) / most;
  const int pale = paler(std::abs(share));
  return share >= 0 ? fmt::format("rgb(255,{},{})", pale, pale) : fmt::format("rgb({},{},255)", pale, pale);
}

std::string heat_colour(double share) {
  const int pale = paler(share);
  return fmt::format("rgb(255,{},{})", (255 + pale) / 2, pale);
}

}  // namespace nslab
