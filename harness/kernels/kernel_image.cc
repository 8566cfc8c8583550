// SPDX-License-Identifier: GPL-2.0
#include "kernel_image.h"

#include <elf.h>

#include <cstddef>
#include <cstdint>

#include "archives.h"
#include "binary.h"

namespace nslab {

namespace {

constexpr std::string_view kElf = "\177ELF";
constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::size_t kSector = 512;

}  // namespace

Result<std::string> unpack_kernel_image(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with(kElf)) {
    constexpr std::size_t kMachine = offsetof(Elf64_Ehdr, e_machine);
    if (bytes.size() < kMachine + 2 || number_at<std::uint16_t>(bytes, kMachine) != EM_X86_64)
      return user_error("{} is no kernel for x86-64", name);
    return std::string(bytes);
  }
  constexpr std::size_t kSetupSectors = 0x1f1;
  constexpr std::size_t kMagic = 0x202;
  constexpr std::size_t kPayloadOffset = 0x248;
  constexpr std::size_t kPayloadLength = 0x24c;
  if (bytes.size() < kPayloadLength || bytes.substr(kMagic, 4) != "HdrS") {
    return user_error("{} is no kernel for x86: give a bzImage, as /boot/vmlinuz-… is one, or a vmlinux", name);
  }
  const std::size_t sectors = static_cast<unsigned char>(bytes[kSetupSectors]);
  const std::size_t at = ((sectors == 0 ? 4 : sectors) + 1) * kSector + number_at<std::uint32_t>(bytes, kPayloadOffset);
  const std::size_t length = number_at<std::uint32_t>(bytes, kPayloadLength);
  if (length < sizeof(std::uint32_t) || at > bytes.size() || length > bytes.size() - at)
    return user_error("{} is cut short", name);
  std::string_view payload = bytes.substr(at, length);
  if (payload.starts_with(kElf)) return std::string(payload);  // CONFIG_KERNEL_UNCOMPRESSED
  // How large it is when unpacked stands behind it, where the format has no place for that.
  if (!payload.starts_with(kGzip)) payload.remove_suffix(sizeof(std::uint32_t));
  auto elf = decompress_kernel(payload);
  if (!elf) return user_error("{} cannot be unpacked: {}", name, elf.error().message);
  if (!elf->starts_with(kElf)) return user_error("{} holds no ELF file", name);
  return elf;
}

}  // namespace nslab
