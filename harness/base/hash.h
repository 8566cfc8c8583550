// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "result.h"

struct evp_md_ctx_st;

namespace nslab {

/// SHA-256 (FIPS 180-4, by OpenSSL).
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept = default;
  ~Hasher();
  /// Adds the bytes as they are.
  Hasher& bytes(std::string_view bytes);
  /// Adds a part preceded by its label and length, so that two different lists of parts never hash the same bytes.
  Hasher& part(std::string_view label, std::string_view bytes);
  /// The hash in 64 hexadecimal digits. The hasher cannot be used after that.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// SHA-256 of the bytes alone, as sha256sum prints it.
std::string sha256(std::string_view bytes);

/// SHA-256 of a file's content. It is read in blocks, so that a large file does not fill the memory.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace nslab
