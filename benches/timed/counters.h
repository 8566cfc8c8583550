// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// What perf_event_open(2) counts of this process and of all that it starts from now on.
namespace nslab::timed {

/// Opens the counters, which stand still until start(). What the machine does not offer to the guest is left out: a
/// counter that is not there is not 0. Inherited by children, so that a fork copies them: the pass in which they run is
/// not the one that is timed.
class Counters {
 public:
  explicit Counters(bool of_children = true);
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters();

  /// Empty, or why a counter that every kernel with perf events has could not be opened.
  const std::string& error() const { return error_; }

  void start() const;
  void stop() const;

  /// By name, as "count_page_faults", what was counted; scaled up for the time in which a counter had to wait for
  /// another to give the CPU's counter back. "counter_share" is the smallest part of the time, in thousandths, in
  /// which one of the CPU's counted; it is there where one of them is.
  std::vector<std::pair<std::string, std::uint64_t>> read() const;

 private:
  struct Counter {
    const char* name;
    bool hardware;
    int descriptor;
  };
  std::vector<Counter> counters_;
  std::string error_;
};

}  // namespace nslab::timed
