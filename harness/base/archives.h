// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace nslab {

/// Unpacks a (compressed) tarball into a folder, without the first component of each name. A tarball can come from
/// anywhere, and shall not reach beyond the folder or fill the disk: Exit::user for names that are absolute or have
/// "..", for symbolic and hard links to what lies outside of the tarball's own tree, for what is neither a file, a
/// folder nor a link, and for more than 16 GiB or two million entries. Set-user-id bits are dropped, and the owner may
/// read and write all of it. Compressions are gzip, bzip2, lzma, xz and zstd.
Result<void> unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& folder);

/// The content of one compressed file. Exit::user for more than 64 MiB.
Result<std::string> read_compressed(const std::filesystem::path& file);

/// Unpacks a compression of the kind that a kernel is packed with: gzip, bzip2, lzma, xz, lz4 or zstd. Exit::user for
/// other bytes, and for more than 512 MiB.
Result<std::string> decompress_kernel(std::string_view bytes);

/// Bytes made smaller (zstd): equal bytes give equal results.
Result<std::string> compress(std::string_view bytes);
/// What compress() was given. Exit::user for other bytes, and for more than 64 MiB.
Result<std::string> decompress(std::string_view bytes);

/// A hash over the sorted names, kinds and contents of a tree; .git is left out.
Result<std::string> hash_tree(const std::filesystem::path& folder);

/// A hash over the sorted names of a tree and what stat(2) says of them: kind, permissions, size and time of change
/// (ctime), which nobody can set back but with the clock. It differs whenever something was written in the tree since,
/// and also in a copy of it. The folder itself does not count, so that it can be renamed. Takes 0.5 s for Linux.
Result<std::string> state_of_tree(const std::filesystem::path& folder);

/// One entry of an initramfs.
struct ArchiveEntry {
  std::string path;     ///< without a leading slash
  unsigned mode = 0;    ///< type and permissions, as S_IFREG | 0755
  std::string content;  ///< a file's bytes, or a symbolic link's target
};

/// A `newc` cpio archive with fixed times, owners and inode numbers: equal entries give equal bytes.
Result<std::string> make_cpio(const std::vector<ArchiveEntry>& entries);

/// The files of an archive that make_cpio() made; folders and links are left out. Exit::machine for anything else.
Result<std::vector<ArchiveEntry>> read_cpio(const std::filesystem::path& file);

}  // namespace nslab
