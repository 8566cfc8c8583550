// SPDX-License-Identifier: GPL-2.0
#include "ports.h"

#include <signal.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

namespace nslab::guest {

namespace {

constexpr std::uint16_t kDebugcon = 0xe9;
constexpr std::uint16_t kDebugExit = 0x501;
constexpr std::uint16_t kPvpanic = 0x505;
constexpr std::uint8_t kPvpanicPanicked = 1;
constexpr std::uint16_t kFwCfgSelect = 0x510;
constexpr std::uint16_t kFwCfgData = 0x511;
constexpr std::uint16_t kWatchdogDisable = 0x441;
constexpr std::uint16_t kWatchdogEnable = 0x443;

constexpr std::uint16_t kFwCfgSignature = 0x0000;
constexpr std::uint16_t kFwCfgDirectory = 0x0019;
constexpr std::size_t kFwCfgEntryBytes = 64;  // size (4), selector (2), reserved (2), name (56); big endian
constexpr std::size_t kFwCfgNameAt = 8;

std::string fw_cfg_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  insb(kFwCfgData, bytes.data(), count);
  return bytes;
}

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

constexpr int kWatchdogMost = 30;  // seconds
// Seconds: how soon it is armed again when there are more to come.
#ifdef NSLAB_TIMED
constexpr int kWatchdogPeriod = 4;  // an emulated guest's clock may lose most of its ticks on a busy host
#else
constexpr int kWatchdogPeriod = 20;
#endif
volatile sig_atomic_t watchdog_seconds = 0;  // until QEMU shall act

void set_alarm(time_t every_seconds) {
  const itimerval timer = {.it_interval = {every_seconds, 0}, .it_value = {every_seconds, 0}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

/// From now on so many seconds, or what the device can count of them.
void watchdog_start(int seconds) {
  const PortAccess access;
  // The device counts down from 30 seconds in steps of two.
  if (access) {
    outb(static_cast<std::uint8_t>((kWatchdogMost - std::min(seconds, kWatchdogMost)) / 2), kWatchdogEnable);
  }
}

void watchdog_again(int) {
  watchdog_seconds = watchdog_seconds - kWatchdogPeriod;
  if (watchdog_seconds <= kWatchdogMost) set_alarm(0);
  watchdog_start(watchdog_seconds);
}

}  // namespace

PortAccess::PortAccess() : granted_(iopl(3) == 0) {}

PortAccess::~PortAccess() {
  if (granted_) iopl(0);
}

void debugcon_write(std::string_view bytes) {
  const PortAccess access;
  if (access) outsb(kDebugcon, bytes.data(), bytes.size());
}

std::optional<std::string> fw_cfg_read(std::string_view name) {
  const PortAccess access;
  if (!access) return std::nullopt;
  outw(kFwCfgSignature, kFwCfgSelect);
  if (fw_cfg_bytes(4) != "QEMU") return std::nullopt;
  outw(kFwCfgDirectory, kFwCfgSelect);
  for (std::uint32_t left = big_endian(fw_cfg_bytes(4)); left > 0; --left) {
    const std::string entry = fw_cfg_bytes(kFwCfgEntryBytes);
    if (name != entry.c_str() + kFwCfgNameAt) continue;
    const std::string_view fields = entry;
    outw(static_cast<std::uint16_t>(big_endian(fields.substr(4, 2))), kFwCfgSelect);
    return fw_cfg_bytes(big_endian(fields.substr(0, 4)));
  }
  return std::nullopt;
}

void watchdog_arm(int seconds) {
  watchdog_seconds = seconds;
  watchdog_start(seconds);
  if (seconds <= kWatchdogMost) return;
  struct sigaction action = {};
  action.sa_handler = watchdog_again;
  sigaction(SIGALRM, &action, nullptr);
  set_alarm(kWatchdogPeriod);
}

void watchdog_disarm() {
  if (watchdog_seconds > kWatchdogMost) set_alarm(0);
  const PortAccess access;
  if (access) outb(0, kWatchdogDisable);
}

void tell_ready() {
  const PortAccess access;
  if (access) outb(kPvpanicPanicked, kPvpanic);
}

void leave(frame::Leave value) {
  {
    const PortAccess access;
    if (access) outb(static_cast<std::uint8_t>(value), kDebugExit);
  }
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

}  // namespace nslab::guest
