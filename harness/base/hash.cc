// SPDX-License-Identifier: GPL-2.0
#include "hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "files.h"
#include "text.h"

namespace nslab {

void Hasher::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Hasher::Hasher() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL offers no SHA-256");
  }
}

Hasher::~Hasher() = default;

Hasher& Hasher::bytes(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw std::runtime_error("SHA-256 failed");
  return *this;
}

Hasher& Hasher::part(std::string_view label, std::string_view content) {
  return bytes(fmt::format("{} {}\n", label, content.size())).bytes(content);
}

std::string Hasher::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context_.get(), digest, &size) != 1) throw std::runtime_error("SHA-256 failed");
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256(std::string_view bytes) { return Hasher().bytes(bytes).hex(); }

Result<std::string> sha256_file(const std::filesystem::path& path) {
  // A pipe without a writer would keep us waiting, in open(2) already.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return user_error("cannot read {}: {}", path.string(), errno_text());
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return user_error("{} is no file with content", path.string());
  Hasher hasher;
  std::vector<char> block(1 << 20);
  for (;;) {
    const ssize_t got = ::read(fd.get(), block.data(), block.size());
    if (got < 0) return user_error("cannot read {}: {}", path.string(), errno_text());
    if (got == 0) return hasher.hex();
    hasher.bytes({block.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace nslab
