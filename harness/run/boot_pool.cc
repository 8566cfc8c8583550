// SPDX-License-Identifier: GPL-2.0
#include "boot_pool.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <system_error>

#include "output.h"

namespace nslab {

namespace {

Result<BootRecord> execute_without_exceptions(const BootPool::Execute& execute, const BootPlan& plan) {
  try {
    return execute(plan);
  } catch (const std::bad_alloc&) {
    return Error{Exit::machine, "memory ran out"};  // short enough to need none
  } catch (const std::exception& exception) {
    const Error error = error_of(exception);
    return Error{error.exit, fmt::format("{}, seed {}: {}", plan.kernel, plan.seed, error.message)};
  } catch (...) {
    return Error{Exit::bug,
                 fmt::format("{}, seed {}: this is a bug of nslab: an unknown exception", plan.kernel, plan.seed)};
  }
}

}  // namespace

BootPool::BootPool(std::vector<const BootPlan*> plans, unsigned jobs, Execute execute)
    : plans_(std::move(plans)), execute_(std::move(execute)), running_(std::min<std::size_t>(jobs, plans_.size())) {
  // All threads are counted before the first one starts: it may end before the second one is there.
  const std::size_t wanted = running_;
  try {
    while (threads_.size() < wanted) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    if (threads_.empty()) throw;
    const std::lock_guard lock(mutex_);
    running_ -= wanted - threads_.size();
    print_err("nslab: no more threads can be had: {} boots at once\n", threads_.size());
  }
}

BootPool::~BootPool() { BootPool::stop(); }

std::optional<BootPool::Ended> BootPool::next() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(500), [&] { return !ended_.empty() || running_ == 0; });
  if (ended_.empty()) return std::nullopt;
  std::optional<Ended> first(std::move(ended_.front()));
  ended_.pop_front();
  return first;
}

bool BootPool::all_ended() {
  const std::lock_guard lock(mutex_);
  return running_ == 0 && ended_.empty();
}

void BootPool::stop() {
  const std::lock_guard lock(mutex_);
  next_ = plans_.size();
}

void BootPool::work() {
  for (;;) {
    const BootPlan* plan = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (next_ == plans_.size()) {
        --running_;
        changed_.notify_one();
        return;
      }
      plan = plans_[next_++];
    }
    auto record = execute_without_exceptions(execute_, *plan);
    const std::lock_guard lock(mutex_);
    ended_.push_back({plan, std::move(record)});
    changed_.notify_one();
  }
}

}  // namespace nslab
