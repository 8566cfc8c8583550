// SPDX-License-Identifier: GPL-2.0
#include "guest_clock.h"

#include <sys/io.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <vector>

namespace nslab::timed {

namespace {

constexpr std::uint16_t kRtcIndex = 0x70;
constexpr std::uint16_t kRtcData = 0x71;
constexpr std::uint8_t kRtcSeconds = 0x00;
constexpr std::uint8_t kRtcStatusB = 0x0b;
constexpr std::uint8_t kRtcBinary = 0x04;  // of status B: numbers are binary, not decimal

std::uint8_t read_rtc(std::uint8_t index) {
  outb(index, kRtcIndex);
  return inb(kRtcData);
}

int rtc_seconds(bool binary) {
  const int value = read_rtc(kRtcSeconds);
  return binary ? value : (value >> 4) * 10 + (value & 15);
}

/// Where the seconds went on: the counter before and behind it, and the second that came; of the minute, or on from the
/// first edge's.
struct Edge {
  std::uint64_t before = 0;
  std::uint64_t behind = 0;
  int second = 0;
  std::uint64_t width() const { return behind - before; }
  std::uint64_t middle() const { return before + width() / 2; }
};

/// The next edge; nothing where the clock stands still.
std::optional<Edge> next_edge(bool binary) {
  constexpr int kMostReadings = 50'000'000;
  Edge edge;
  edge.before = GuestClock::counter();
  const int first = rtc_seconds(binary);
  for (int reading = 0; reading < kMostReadings; ++reading) {
    const std::uint64_t before = GuestClock::counter();
    edge.second = rtc_seconds(binary);
    edge.behind = GuestClock::counter();
    if (edge.second != first) return edge;
    edge.before = before;
  }
  return std::nullopt;
}

}  // namespace

void GuestClock::use_counter(std::uint64_t hertz) {
  hertz_ = hertz;
  nanoseconds_a_cycle_ =
      hertz == 0 ? 0 : static_cast<std::uint64_t>((static_cast<unsigned __int128>(1'000'000'000) << 32) / hertz);
}

std::uint64_t GuestClock::step() {
  // A coarse clock shows a few steps only: so many readings last for one of a jiffy each.
  constexpr int kSteps = 4;
  constexpr int kReadings = 200;
  std::uint64_t smallest = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t last = now();
  for (int seen = 0, reading = 0; seen < kSteps || reading < kReadings; ++reading) {
    const std::uint64_t next = now();
    if (next == last) continue;
    smallest = std::min(smallest, next - last);
    last = next;
    ++seen;
  }
  return smallest;
}

std::string clocksource() {
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string name;
  file >> name;
  return name;
}

std::uint64_t counter_hertz() {
  if (iopl(3) != 0) return 0;
  const bool binary = (read_rtc(kRtcStatusB) & kRtcBinary) != 0;
  // An edge is known to its width, which is that of a reading, or longer if the host had other work meanwhile. The best
  // pair of edges is taken: the one whose widths together are the smallest part of the span between them.
  constexpr std::size_t kMostEdges = 20;
  constexpr double kGood = 1.0 / 2000;
  constexpr double kBearable = 1.0 / 50;  // of a host that is busy with other work most of the time
  std::vector<Edge> edges;
  double best = 1;
  std::uint64_t hertz = 0;
  while (edges.size() < kMostEdges && best > kGood) {
    auto edge = next_edge(binary);
    if (!edge) break;
    if (!edges.empty()) edge->second = edges.back().second + (edge->second - edges.back().second % 60 + 60) % 60;
    for (const Edge& other : edges) {
      const std::uint64_t span = edge->middle() - other.middle();
      const double part = static_cast<double>(edge->width() + other.width()) / static_cast<double>(span);
      if (part >= best || edge->second == other.second) continue;
      best = part;
      hertz = span / static_cast<std::uint64_t>(edge->second - other.second);
    }
    edges.push_back(*edge);
  }
  iopl(0);
  return best <= kBearable ? hertz : 0;
}

std::uint64_t steal_ticks() {
  // "cpu  user nice system idle iowait irq softirq steal …"
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  std::uint64_t ticks = 0;
  for (int column = 0; column < 8; ++column) file >> ticks;
  return file ? ticks : 0;
}

}  // namespace nslab::timed
