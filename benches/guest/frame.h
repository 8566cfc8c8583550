// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <boost/crc.hpp>
#include <cstdint>
#include <string>
#include <string_view>

/// Frames as docs/guest-protocol.md defines them: 4 bytes of magic, the payload's length and its CRC-32, both little
/// endian, then the payload. Shared by the guest, which writes them, and the host's tests. No OS calls here.
namespace nslab::frame {

inline constexpr std::string_view kMagic = "NSLB";
inline constexpr std::size_t kHeaderBytes = 12;
inline constexpr std::size_t kMaxPayload = std::size_t{1} << 20;
inline constexpr int kProtocol = 1;

/// What the guest writes to the isa-debug-exit port. QEMU's own exit status is 2 * value + 1, so never one of the small
/// numbers by which QEMU itself reports an error (1) or a shutdown (0).
enum class Leave : std::uint8_t {
  complete = 0x10,    ///< QEMU ends with 33: every frame was written, as far as the guest knows
  no_plan = 0x11,     ///< 35: fw_cfg holds no opt/nslab/plan
  fault = 0x12,       ///< 37: a `fault` frame says what init could not do
  early_exit = 0x13,  ///< 39: the plan's fault `early-exit`
};

/// The exit status with which QEMU ends when the guest leaves by `value`.
constexpr int qemu_status(Leave value) { return 2 * static_cast<int>(value) + 1; }

inline void append_little_endian(std::string& bytes, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift & 0xff));
}

/// CRC-32 as IEEE 802.3 and zlib have it.
inline std::uint32_t checksum(std::string_view payload) {
  boost::crc_32_type crc;
  crc.process_bytes(payload.data(), payload.size());
  return crc.checksum();
}

/// A header with any length and checksum, true or not: the plan's faults need false ones.
inline std::string header(std::uint32_t length, std::uint32_t crc) {
  std::string bytes(kMagic);
  append_little_endian(bytes, length);
  append_little_endian(bytes, crc);
  return bytes;
}

/// One whole frame. The payload must not exceed kMaxPayload, a longer one is a frame that the host refuses.
inline std::string encode(std::string_view payload) {
  return header(static_cast<std::uint32_t>(payload.size()), checksum(payload)).append(payload);
}

}  // namespace nslab::frame
