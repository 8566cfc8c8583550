// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "frame.h"

/// The emulated devices PID 1 talks to, all by port I/O, which QEMU serves in the vCPU's own thread.
namespace nslab::guest {

/// I/O permission for as long as it lives. A task with it carries TIF_IO_BITMAP, which makes its context switches and
/// its forks dearer and is inherited: hold it around port accesses only, never while a cell is measured or a child is
/// made.
class PortAccess {
 public:
  PortAccess();
  PortAccess(const PortAccess&) = delete;
  PortAccess& operator=(const PortAccess&) = delete;
  ~PortAccess();

  /// Whether the kernel gave it (it needs CONFIG_X86_IOPL_IOPERM).
  explicit operator bool() const { return granted_; }

 private:
  bool granted_;
};

/// Writes to isa-debugcon.
void debugcon_write(std::string_view bytes);

/// Reads a fw_cfg item by its name in the file directory. Nothing when there is no fw_cfg, or no such item.
std::optional<std::string> fw_cfg_read(std::string_view name);

/// The ib700 watchdog: from now on `seconds` (even) of guest time until QEMU acts, unless disarmed. The device counts
/// 30 at the most; while there are more to come, SIGALRM arms it again: system calls of this process then end with
/// EINTR.
void watchdog_arm(int seconds);
void watchdog_disarm();

/// Tells QEMU's pvpanic device that the guest is ready; QEMU tells the host.
void tell_ready();

/// Ends QEMU through isa-debug-exit; without the device, the machine is switched off.
[[noreturn]] void leave(frame::Leave value);

}  // namespace nslab::guest
