// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

namespace nslab {

namespace {

/// How many letters have to be added, left out or replaced to make one word of the other (Levenshtein, Soviet Physics
/// Doklady 10, 1966).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::string errno_text() {
  const int error = errno;
  return fmt::format("{}{}", std::strerror(error), error == EMFILE ? ": raise the limit (ulimit -n)" : "");
}

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

std::optional<std::string> nearest_to(std::string_view word, const std::vector<std::string>& names) {
  // What goes on where the word ends is nearer than what differs within it.
  const auto begun = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return word.size() > 2 && std::string_view(name).starts_with(word);
  });
  if (begun != names.end()) return *begun;
  const auto nearest = std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return distance(word, a) < distance(word, b);
  });
  // Farther away than half the word it is a guess, and no slip.
  if (nearest == names.end() || 2 * distance(word, *nearest) > word.size()) return std::nullopt;
  return *nearest;
}

std::string unknown_name(std::string_view what, std::string_view word, const std::vector<std::string>& names,
                         std::string_view lister) {
  const auto nearest = nearest_to(word, names);
  const std::string all = lister.empty() ? fmt::format("{}here are: {}", nearest ? 'T' : 't', fmt::join(names, ", "))
                                         : fmt::format("'{}' shows all {}", lister, names.size());
  return fmt::format("there is no {} '{}'; {}{}", what, word,
                     nearest ? fmt::format("did you mean '{}'? ", *nearest) : "", all);
}

std::vector<std::string> last_lines(std::string_view text, std::size_t count) {
  auto lines = lines_of(text);
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

std::string without_controls(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, which some terminals obey as well, are 0xc2 and a byte below 0xa0.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      ++i;
    } else if (byte == '\n' || byte == '\t' || (byte >= ' ' && byte != 0x7f)) {
      clean += text[i];
    }
  }
  return clean;
}

std::string without_last_newlines(std::string_view text) {
  return std::string(text.substr(0, text.find_last_not_of('\n') + 1));
}

std::string end_of(std::string_view text, std::size_t most) {
  return std::string(text.substr(text.size() > most ? text.size() - most : 0));
}

std::string for_shell(std::string_view word) {
  constexpr std::string_view kPlain = "+-_./,~^@%:=";
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || kPlain.find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace nslab
