// SPDX-License-Identifier: GPL-2.0
#include "guest_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "files.h"
#include "guest_process.h"
#include "hash.h"
#include "locks.h"
#include "qmp.h"
#include "scratch_folder.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostStates = 64;  // of some 55 MB each

/// Stops the guest when it says that it is ready, and has QEMU write its state to the descriptor. The guard plugin
/// holds it there; it ends, as it finds no plan, when it is stopped too late.
Result<void> save(GuestProcess& guest, Qmp& monitor, int state, double wall_limit) {
  TRY(monitor.wait_for("GUEST_PANICKED", wall_limit));
  TRY(monitor.execute("stop"));
  TRY(monitor.execute("migrate-set-parameters", {{"max-bandwidth", std::int64_t{1} << 40}}));
  TRY(monitor.execute("getfd", {{"fdname", "state"}}, 60, state));
  TRY(monitor.execute("migrate", {{"uri", "fd:state"}}));
  for (;;) {
    const Json progress = TRY(monitor.execute("query-migrate"));
    const std::string status = text_member(progress, "status");
    if (status == "completed") return {};
    if (status == "failed" || status == "cancelled") {
      return machine_error("QEMU cannot save a guest's state: {}", text_member(progress, "error-desc"));
    }
    if (const auto ended = TRY(guest.wait_for(0.02))) {
      TRY(guest.exit_code(*ended));
      return guest.failure("QEMU ended while it saved the guest's state");
    }
  }
}

/// What lies beside the state: of the state, and of what it is the state of. So an exchanged one is noticed as well.
Result<std::string> seal_of(const fs::path& state, const std::string& identity) {
  return Hasher().part("identity", identity).part("state", TRY(sha256_file(state))).hex() + "\n";
}

/// Whether the folder has the state of this identity, as it was stored.
bool is_intact(const fs::path& folder, const std::string& identity) {
  const auto stored = read_file(folder / "sha256");
  const auto seal = seal_of(folder / "state", identity);
  return stored && seal && *stored == *seal;
}

/// The states that were used last stay, and `made`, whatever the clock says. A time in the future says nothing: the
/// clock has been set back since.
void remove_old(const fs::path& states, const fs::path& made) {
  std::vector<std::pair<fs::file_time_type, fs::path>> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(states, error)) {
    if (entry.path() == made) continue;
    const auto used = fs::last_write_time(entry.path() / "sha256", error);
    const bool known = !error && used <= fs::file_time_type::clock::now();
    all.emplace_back(known ? used : fs::file_time_type::min(), entry.path());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i + kMostStates - 1 < all.size(); ++i) fs::remove_all(all[i].second, error);
}

}  // namespace

Result<void> save_guest_state(const std::string& who, const BootSettings& settings, const fs::path& state) {
  const Fd file(::open(state.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return machine_error("cannot write {}: {}", state.string(), errno_text());
  BootPlan plan;  // nobody reads it: the guest is stopped before
  plan.kernel = who;
  auto [monitor, theirs] = TRY(Qmp::make());
  auto more = Qmp::arguments(theirs.get());
  more.insert(more.end(), {"-plugin", "file=./guard.so,saving=on"});  // words for the guard that is there already
  BootSettings from_start = settings;
  from_start.symbols = nullptr;
  GuestProcess guest = TRY(GuestProcess::start(plan, from_start, more, {theirs.get()}));
  theirs.reset();
  if (const auto saved = save(guest, monitor, file.get(), settings.wall_limit_seconds); !saved) {
    if (saved.error().exit != Exit::says_no) return saved.error();
    if (const auto status = TRY(guest.wait_for(1))) TRY(guest.exit_code(*status));
    return saved.error();
  }
  if (::fsync(file.get()) != 0) return machine_error("cannot write {}: {}", state.string(), errno_text());
  return {};
}

Result<fs::path> cached_guest_state(const fs::path& cache, const std::string& identity, const std::string& who,
                                    const BootSettings& settings) {
  const fs::path states = cache / "states";
  const fs::path folder = states / sha256(identity);
  const fs::path locks = cache / "locks";
  TRY(make_folders(states));
  TRY(make_folders(locks));
  const auto lock = TRY(FileLock::wait(locks / (folder.filename().string() + ".state"), [] {}));
  std::error_code ignored;
  if (is_intact(folder, identity)) {
    fs::last_write_time(folder / "sha256", fs::file_time_type::clock::now(), ignored);
    return folder / "state";
  }
  const ScratchFolder work = TRY(ScratchFolder::make(cache / "tmp", "state-folder"));
  const fs::path made = work.path() / "made";
  TRY(make_folders(made));
  BootSettings of_boot = settings;
  of_boot.folder = settings.folder / "ready";
  TRY(make_folders(of_boot.folder));
  TRY(save_guest_state(who, of_boot, made / "state"));
  TRY(write_file(made / "sha256", TRY(seal_of(made / "state", identity))));
  fs::remove_all(folder, ignored);
  std::error_code error;
  fs::rename(made, folder, error);
  if (error) return machine_error("cannot put a guest's state into {}: {}", folder.string(), error.message());
  remove_old(states, folder);
  return folder / "state";
}

}  // namespace nslab
