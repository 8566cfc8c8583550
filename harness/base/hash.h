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
  /// The bytes as they are.
  Hasher& bytes(std::string_view bytes);
  /// A part preceded by its label and length, so that no two different lists of parts have the same input.
  Hasher& part(std::string_view label, std::string_view bytes);
  /// 64 hexadecimal digits. The hasher is spent.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// SHA-256 of the bytes alone, as sha256sum prints it.
std::string sha256(std::string_view bytes);

/// SHA-256 of a file's content, read in blocks.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace nslab
