// SPDX-License-Identifier: GPL-2.0
#include "archives.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "files.h"
#include "hash.h"
#include "signals.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

constexpr std::size_t kBlock = 1 << 20;

}  // namespace

Result<void> unpack_archive(const fs::path& file, const fs::path& folder) {
  const Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) {
    return user_error("cannot read {}: {}", file.string(), archive_error_string(reader.get()));
  }
  const Writer writer(archive_write_disk_new(), archive_write_free);
  archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS);
  archive_entry* entry = nullptr;
  for (;;) {
    if (interrupted()) return interruption();
    const int next = archive_read_next_header(reader.get(), &entry);
    if (next == ARCHIVE_EOF) return {};
    if (next != ARCHIVE_OK) return user_error("{} is broken: {}", file.string(), archive_error_string(reader.get()));
    const std::string name = archive_entry_pathname(entry);
    const auto slash = name.find('/');
    if (slash == std::string::npos || slash + 1 == name.size()) continue;
    archive_entry_set_pathname(entry, (folder / name.substr(slash + 1)).c_str());
    if (const char* link = archive_entry_hardlink(entry); link != nullptr) {
      const std::string target = link;
      archive_entry_set_hardlink(entry, (folder / target.substr(target.find('/') + 1)).c_str());
    }
    if (archive_read_extract2(reader.get(), entry, writer.get()) != ARCHIVE_OK) {
      return machine_error("cannot unpack {} of {}: {}", name, file.string(), archive_error_string(reader.get()));
    }
  }
}

Result<std::string> read_compressed(const fs::path& file) {
  const Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return user_error("cannot read {}: {}", file.string(), archive_error_string(reader.get()));
  }
  std::string content;
  std::vector<char> block(kBlock);
  for (;;) {
    const auto got = archive_read_data(reader.get(), block.data(), block.size());
    if (got < 0) return user_error("{} is broken: {}", file.string(), archive_error_string(reader.get()));
    if (got == 0) return content;
    content.append(block.data(), static_cast<std::size_t>(got));
  }
}

Result<std::string> hash_tree(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error); at != fs::recursive_directory_iterator();
       at.increment(error)) {
    if (error) return user_error("cannot read {}: {}", folder.string(), error.message());
    if (at->path().filename() == ".git") {
      at.disable_recursion_pending();
      continue;
    }
    if (at->is_symlink(error) || at->is_regular_file(error)) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  Hasher hasher;
  for (const fs::path& file : files) {
    if (interrupted()) return interruption();
    hasher.part("path", fs::relative(file, folder, error).string());
    if (fs::is_symlink(file, error)) {
      hasher.part("link", fs::read_symlink(file, error).string());
      continue;
    }
    const auto content = TRY(read_file(file));
    hasher.part("file", content);
  }
  return hasher.hex();
}

Result<std::string> make_cpio(const std::vector<ArchiveEntry>& entries) {
  std::string bytes;
  const Writer writer(archive_write_new(), archive_write_free);
  archive_write_set_format_cpio_newc(writer.get());
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  const auto append = [](archive*, void* target, const void* data, std::size_t size) -> la_ssize_t {
    static_cast<std::string*>(target)->append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  };
  if (archive_write_open(writer.get(), &bytes, nullptr, append, nullptr) != ARCHIVE_OK) {
    return machine_error("cannot make an initramfs: {}", archive_error_string(writer.get()));
  }
  std::int64_t inode = 1;
  for (const ArchiveEntry& item : entries) {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), item.path.c_str());
    archive_entry_set_mode(entry.get(), item.mode);
    archive_entry_set_ino64(entry.get(), inode++);
    archive_entry_set_nlink(entry.get(), 1);
    archive_entry_set_mtime(entry.get(), 0, 0);
    const bool link = S_ISLNK(item.mode);
    if (link) archive_entry_set_symlink(entry.get(), item.content.c_str());
    archive_entry_set_size(entry.get(), link ? 0 : static_cast<la_int64_t>(item.content.size()));
    if (archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
        (!link && archive_write_data(writer.get(), item.content.data(), item.content.size()) < 0)) {
      return machine_error("cannot add {} to the initramfs: {}", item.path, archive_error_string(writer.get()));
    }
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) {
    return machine_error("cannot end the initramfs: {}", archive_error_string(writer.get()));
  }
  return bytes;
}

}  // namespace nslab
