// SPDX-License-Identifier: GPL-2.0
#include "boot.h"

#include <fcntl.h>
#include <unistd.h>

#include <functional>

#include "files.h"
#include "guest_process.h"
#include "host_watch.h"
#include "qmp.h"
#include "text.h"

namespace nslab {

namespace {

/// The plugin's counts, cell by cell, held against the meter.
Result<std::vector<CallTree>> trees_of(const std::vector<Sample>& samples, const std::string& counts,
                                       const SymbolTable& symbols) {
  auto cells = TRY(read_counts(counts, symbols.functions));
  std::vector<CallTree> trees;
  for (const Sample& sample : samples) {
    if (sample.status != CellStatus::ok) continue;
    if (trees.size() == cells.size()) return negative_result("the attribution plugin counted too few cells");
    CountedCell& cell = cells[trees.size()];
    const std::uint64_t counted = cell.tree.sum();
    const bool waited = cell.idles > 0 && counted < sample.sum;
    if (cell.windows != sample.iterations || (counted != sample.sum && !waited)) {
      return negative_result(
          "the functions of {} at depth {} do not add up to what the meter read: {} instructions in {} repetitions, "
          "the meter read {} in {}. This is a bug of nslab's attribution, or a guest that deceives it",
          sample.benchmark, sample.depth, counted, cell.windows, sample.sum, sample.iterations);
    }
    if (waited) {
      const auto function = static_cast<std::uint32_t>(cell.tree.functions.size());
      cell.tree.functions.push_back({"", "[idle]"});
      cell.tree.nodes.push_back({0, function, sample.sum - counted, cell.idles});
    }
    trees.push_back(std::move(cell.tree));
  }
  if (trees.size() != cells.size()) return negative_result("the attribution plugin counted too many cells");
  return trees;
}

/// The threads of a QEMU's vCPUs, in their order.
Result<std::vector<int>> vcpu_threads(Qmp& monitor) {
  std::vector<int> threads;
  for (const Json& cpu : TRY(monitor.execute("query-cpus-fast"))) {
    const auto thread = cpu.find("thread-id");
    if (thread == cpu.end() || !thread->is_number_integer()) return negative_result("QEMU does not name its threads");
    threads.push_back(thread->get<int>());
  }
  return threads;
}

/// Starts a QEMU that waits, with more words on its command line, and has it go on when `prepare` is done.
Result<GuestProcess> start_and_go_on(const BootPlan& plan, const BootSettings& settings,
                                     const std::vector<std::string>& words, std::vector<int> inherited,
                                     std::optional<Qmp>& monitor,
                                     const std::function<Result<void>(GuestProcess&)>& prepare) {
  auto [own, theirs] = TRY(Qmp::make());
  auto more = Qmp::arguments(theirs.get());
  more.insert(more.end(), words.begin(), words.end());
  inherited.push_back(theirs.get());
  auto guest = TRY(GuestProcess::start(plan, settings, more, inherited));
  theirs.reset();
  monitor = std::move(own);
  const auto go_on = [&]() -> Result<void> {
    TRY(prepare(guest));
    TRY(monitor->execute("cont"));
    return {};
  };
  if (const auto going = go_on(); !going) {
    if (going.error().exit != Exit::says_no) return going.error();
    // What QEMU itself says is more to the point than that it is gone.
    if (const auto status = TRY(guest.wait_for(5))) TRY(guest.exit_code(*status));
    return guest.failure(going.error().message);
  }
  return guest;
}

/// Starts the guest from its beginning, or from the state that it was saved in; one that is to be watched, once its
/// threads are where they shall be.
Result<GuestProcess> start_guest(const BootPlan& plan, const BootSettings& settings, std::optional<Qmp>& monitor,
                                 std::optional<HostWatch>& watch) {
  if (settings.place != nullptr) {
    return start_and_go_on(plan, settings, {"-S"}, {}, monitor, [&](const GuestProcess& guest) -> Result<void> {
      const auto threads = TRY(vcpu_threads(*monitor));
      TRY(pin(guest.pid(), threads, *settings.place, settings.fifo));
      watch.emplace(guest.pid(), threads, *settings.place);
      return {};
    });
  }
  if (settings.state.empty()) return GuestProcess::start(plan, settings);
  const Fd state(::open(settings.state.c_str(), O_RDONLY | O_CLOEXEC));
  if (!state.valid()) return machine_error("cannot open {}: {}", settings.state.string(), errno_text());
  return start_and_go_on(plan, settings, {"-incoming", fmt::format("fd:{}", state.get())}, {state.get()}, monitor,
                         [&](GuestProcess& /*guest*/) -> Result<void> {
                           // While QEMU still reads the state, it answers that it waits for it.
                           while (text_member(TRY(monitor->execute("query-status")), "status") == "inmigrate")
                             ::usleep(2000);
                           return {};
                         });
}

}  // namespace

Result<Boot> run_boot(const BootPlan& plan, const BootSettings& settings) {
  constexpr double kLookEvery = 0.5;  // seconds between looks at the host
  std::optional<Qmp> monitor;         // open to the end: that it is closed is an event to QEMU
  std::optional<HostWatch> watch;
  GuestProcess guest = TRY(start_guest(plan, settings, monitor, watch));
  std::optional<int> status;
  while (!status) {
    status = TRY(guest.wait_for(watch ? kLookEvery : 3600));
    if (watch && !status) watch->look();
  }
  Boot boot;
  boot.command = guest.command();
  boot.wall_seconds = guest.seconds();
  if (watch) boot.host = watch->numbers();
  const int code = TRY(guest.exit_code(*status));
  const auto frames = TRY(read_file(guest.files().frames));
  auto report = read_report(frames, plan, plan.kernel);
  if (!report) return guest.failure(report.error().message);
  if (code != kCompleteStatus)
    return guest.failure(fmt::format("the guest left with status {}, expected was {}", code, kCompleteStatus));
  boot.report = std::move(*report);
  if (settings.symbols != nullptr) {
    auto trees = trees_of(boot.report.samples, TRY(read_file(guest.files().counts)), *settings.symbols);
    if (!trees) return guest.failure(trees.error().message);
    boot.trees = std::move(*trees);
  }
  return boot;
}

}  // namespace nslab
