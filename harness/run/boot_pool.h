// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "boots.h"

namespace nslab {

/// Executes boots on several threads, in the order of their plans.
///
/// The caller alone knows the store, which is not safe for several threads; the threads do nothing but boot. The plans
/// and what `execute` refers to must outlive the pool.
class BootPool : public Boots {
 public:
  /// Boots one plan to its end; called by several threads at once. An exception that leaves it becomes an
  /// Error{Exit::bug}, as it would otherwise end the program and with it the boots of the other threads.
  using Execute = std::function<Result<BootRecord>(const BootPlan&)>;

  /// Starts booting at once, `jobs` boots at a time.
  BootPool(std::vector<const BootPlan*> plans, unsigned jobs, Execute execute);
  /// Starts no more boots and waits for those under way.
  ~BootPool() override;
  BootPool(const BootPool&) = delete;
  BootPool& operator=(const BootPool&) = delete;

  std::optional<Ended> next() override;
  bool all_ended() override;
  void stop() override;

 private:
  void work();

  const std::vector<const BootPlan*> plans_;
  const Execute execute_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;     ///< the plan to boot next
  std::size_t running_ = 0;  ///< threads that have not ended
  std::deque<Ended> ended_;
  std::vector<std::jthread> threads_;  ///< last, so that they are joined before what they use goes
};

}  // namespace nslab
