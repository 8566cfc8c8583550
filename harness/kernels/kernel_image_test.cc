// SPDX-License-Identifier: GPL-2.0
#include "kernel_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "archives.h"

namespace nslab {
namespace {

using testing::HasSubstr;

const std::string kKernel = std::string("\177ELF 14 bytes more\x3e\0 and the rest of a kernel", 45);

void put(std::string& bytes, std::size_t at, std::uint32_t word) { std::memcpy(bytes.data() + at, &word, sizeof word); }

/// A bzImage with one sector of setup code.
std::string image_of(const std::string& payload) {
  std::string image(2 * 512, '\0');
  image[0x1f1] = 1;
  image.replace(0x202, 4, "HdrS");
  put(image, 0x248, 100);  // payload_offset, behind the setup code
  put(image, 0x24c, static_cast<std::uint32_t>(payload.size()));
  return image + std::string(100, 'x') + payload + "what follows";
}

std::string packed() { return *compress(kKernel) + std::string("\x1e\0\0\0", 4); }

TEST(KernelImage, IsUnpacked) {
  const auto kernel = unpack_kernel_image(image_of(packed()), "vmlinuz");
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(*kernel, kKernel);
}

TEST(KernelImage, MayBeUncompressed) {
  EXPECT_EQ(unpack_kernel_image(image_of(kKernel), "vmlinuz").value(), kKernel);
  EXPECT_EQ(unpack_kernel_image(kKernel, "vmlinux").value(), kKernel);
}

TEST(KernelImage, SaysWhatIsWrongWithIt) {
  const auto error_of = [](const std::string& bytes) { return unpack_kernel_image(bytes, "f").error(); };
  EXPECT_THAT(error_of("").message, HasSubstr("give a bzImage"));
  EXPECT_THAT(error_of(std::string(5000, 'x')).message, HasSubstr("f is no kernel for x86"));
  const std::string image = image_of(packed());
  EXPECT_THAT(error_of(image.substr(0, image.size() - 20)).message, HasSubstr("f is cut short"));
  EXPECT_THAT(error_of(image_of("not packed in any known way")).message, HasSubstr("f "));
  EXPECT_THAT(error_of(image_of(*compress("no kernel") + "size")).message, HasSubstr("f holds no ELF file"));
  std::string broken = image;
  broken[1124 + 12] ^= 1;
  EXPECT_EQ(error_of(broken).exit, Exit::user);
}

}  // namespace
}  // namespace nslab
