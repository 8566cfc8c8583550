// SPDX-License-Identifier: GPL-2.0
#include "archives.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>

#include "files.h"
#include "hash.h"
#include "signals.h"
#include "text.h"

namespace nslab {
namespace fs = std::filesystem;

namespace {

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

constexpr std::size_t kBlock = 1 << 16;
constexpr std::int64_t kMostTreeBytes = std::int64_t{16} << 30;  // Linux 6.12 has 1.5 GB
constexpr std::int64_t kMostEntries = 2'000'000;                 // and 93,000
constexpr std::size_t kMostFileBytes = 64 << 20;                 // Debian's config has 0.3 MB
constexpr std::size_t kMostKernelBytes = 512 << 20;              // Debian's kernels have 60 to 80 MB

std::string error_of(archive* from) {
  const char* text = archive_error_string(from);
  return text == nullptr ? "for a reason that libarchive does not give" : text;
}

/// Lets a reader understand the compressions that sources and configs come in. libarchive knows more of them, for some
/// of which it starts programs (lrzip, lzop, grzip): what we execute must not depend on a file's first bytes.
void support_compressions(archive* reader) {
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_lzma(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_zstd(reader);
}

/// A name in a tarball without its first component, "." and repeated slashes; empty when nothing is left, and nothing
/// at all when it leads out of the tree.
std::optional<fs::path> inner_path(const fs::path& name) {
  if (name.is_absolute()) return std::nullopt;
  fs::path inner;
  bool first = true;
  for (const fs::path& component : name) {
    if (component == "..") return std::nullopt;
    if (component.empty() || component == ".") continue;
    if (!first) inner /= component;
    first = false;
  }
  return inner;
}

/// Whether a symbolic link at `inner` stays in the tree. ".." is taken at the start only: after the name of another
/// link it leads to that link's parent, which can be outside.
bool stays_inside(const fs::path& inner, const fs::path& target) {
  if (target.is_absolute()) return false;
  const fs::path parent = inner.parent_path();
  auto levels = std::distance(parent.begin(), parent.end());
  bool going_up = true;
  for (const fs::path& component : target) {
    if (component.empty() || component == ".") continue;
    going_up = going_up && component == "..";
    if (component == ".." && (!going_up || --levels < 0)) return false;
  }
  return true;
}

/// Makes of an entry what is to be unpacked into `folder`. False: there is nothing to unpack. The error says what is
/// wrong with the entry.
Result<bool> redirect(archive_entry* entry, const fs::path& folder) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) return user_error("its name cannot be read");
  const auto inner = inner_path(name);
  if (!inner) return user_error("its name leads out of the tree");
  if (inner->empty()) return false;
  archive_entry_set_pathname(entry, (folder / *inner).c_str());
  // No set-user-id; and we must be able to read, and at last to remove, what we unpack.
  const unsigned needed = archive_entry_filetype(entry) == AE_IFDIR ? S_IRWXU : S_IRUSR | S_IWUSR;
  archive_entry_set_perm(entry, (archive_entry_perm(entry) & 0777) | needed);
  if (const char* link = archive_entry_hardlink(entry); link != nullptr) {
    const auto target = inner_path(link);
    if (!target || target->empty()) return user_error("it is a hard link to {}, outside of the tree", link);
    archive_entry_set_hardlink(entry, (folder / *target).c_str());
    return true;
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
    case AE_IFDIR:
      return true;
    case AE_IFLNK: {
      const char* target = archive_entry_symlink(entry);
      if (target == nullptr || !stays_inside(*inner, target))
        return user_error("it is a symbolic link to {}, outside of the tree", target == nullptr ? "nothing" : target);
      return true;
    }
    default:
      return user_error("it is neither a file, a folder nor a link");
  }
}

}  // namespace

Result<void> unpack_archive(const fs::path& file, const fs::path& into) {
  // libarchive unpacks through no symbolic link, not even through one on the way to the folder.
  std::error_code error;
  const fs::path folder = fs::canonical(into, error);
  if (error) return machine_error("cannot unpack into {}: {}", into.string(), error.message());
  const Reader reader(archive_read_new(), archive_read_free);
  support_compressions(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) {
    return user_error("cannot read {}: {}", file.string(), error_of(reader.get()));
  }
  const Writer writer(archive_write_disk_new(), archive_write_free);
  archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS);
  archive_entry* entry = nullptr;
  std::int64_t bytes = 0;
  for (std::int64_t entries = 0;; ++entries) {
    if (interrupted()) return interruption();
    const int next = archive_read_next_header(reader.get(), &entry);
    if (next == ARCHIVE_EOF) return {};
    if (next != ARCHIVE_OK && next != ARCHIVE_WARN)
      return user_error("{} is broken: {}", file.string(), error_of(reader.get()));
    const char* const pathname = archive_entry_pathname(entry);
    const std::string name = pathname == nullptr ? "an entry" : pathname;
    const std::int64_t size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0;
    if (size < 0 || size > kMostTreeBytes - bytes || entries == kMostEntries) {
      return user_error("{} is no kernel source: with {} it has more than {} GiB or {} entries", file.string(), name,
                        kMostTreeBytes >> 30, kMostEntries);
    }
    bytes += size;
    const auto wanted = redirect(entry, folder);
    if (!wanted) return user_error("{} of {} is not unpacked: {}", name, file.string(), wanted.error().message);
    if (!*wanted) continue;
    if (archive_read_extract2(reader.get(), entry, writer.get()) != ARCHIVE_OK) {
      return machine_error("cannot unpack {} of {}: {}", name, file.string(), error_of(reader.get()));
    }
  }
}

namespace {

/// The rest of an entry, called `name` in errors.
Result<std::string> read_all(archive* reader, const std::string& name, std::size_t most = kMostFileBytes) {
  std::string content;
  std::vector<char> block(kBlock);
  for (;;) {
    const auto got = archive_read_data(reader, block.data(), block.size());
    if (got < 0) return user_error("{} is broken: {}", name, error_of(reader));
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > most)
      return user_error("{} has more than {} MiB when it is unpacked", name, most >> 20);
    content.append(block.data(), static_cast<std::size_t>(got));
  }
}

/// What the bytes are when they are unpacked, called `name` in errors. `unreadable` is the error where no compression
/// that the reader knows fits.
Result<std::string> read_bytes(archive* reader, std::string_view bytes, const std::string& name,
                               std::string_view unreadable, std::size_t most = kMostFileBytes) {
  archive_read_support_format_raw(reader);
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader, bytes.data(), bytes.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader, &entry) != ARCHIVE_OK) {
    return user_error("{}: {}", unreadable, error_of(reader));
  }
  return read_all(reader, name, most);
}

/// Opens a writer whose bytes are appended to `bytes`.
bool write_into(archive* writer, std::string& bytes) {
  // No exception may pass through the library, which is C.
  const auto append = [](archive* writing, void* target, const void* data, std::size_t size) -> la_ssize_t {
    try {
      static_cast<std::string*>(target)->append(static_cast<const char*>(data), size);
      return static_cast<la_ssize_t>(size);
    } catch (const std::bad_alloc&) {
      archive_set_error(writing, ENOMEM, "memory ran out");
      return -1;
    }
  };
  return archive_write_open(writer, &bytes, nullptr, append, nullptr) == ARCHIVE_OK;
}

}  // namespace

Result<std::string> read_compressed(const fs::path& file) {
  const Reader reader(archive_read_new(), archive_read_free);
  support_compressions(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return user_error("cannot read {}: {}", file.string(), error_of(reader.get()));
  }
  return read_all(reader.get(), file.string());
}

Result<std::string> compress(std::string_view bytes) {
  std::string packed;
  const Writer writer(archive_write_new(), archive_write_free);
  archive_write_set_format_raw(writer.get());
  archive_write_add_filter_zstd(writer.get());
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_filetype(entry.get(), S_IFREG);
  if (!write_into(writer.get(), packed) || archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
      archive_write_data(writer.get(), bytes.data(), bytes.size()) < 0 ||
      archive_write_close(writer.get()) != ARCHIVE_OK) {
    return machine_error("cannot compress: {}", error_of(writer.get()));
  }
  return packed;
}

Result<std::string> decompress(std::string_view bytes) {
  // What has no filter libarchive takes as it is.
  constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
  if (!bytes.starts_with(kZstd)) return user_error("it is not compressed");
  const Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_zstd(reader.get());
  return read_bytes(reader.get(), bytes, "what was compressed", "it is not compressed");
}

Result<std::string> decompress_kernel(std::string_view bytes) {
  const Reader reader(archive_read_new(), archive_read_free);
  support_compressions(reader.get());
  archive_read_support_filter_lz4(reader.get());
  return read_bytes(reader.get(), bytes, "the compressed kernel", "its compression is unknown", kMostKernelBytes);
}

Result<std::string> hash_tree(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error); at != fs::recursive_directory_iterator();
       at.increment(error)) {
    if (at->path().filename() == ".git") {
      at.disable_recursion_pending();
      continue;
    }
    if (at->is_symlink(error) || at->is_regular_file(error)) files.push_back(at->path());
  }
  if (error) return user_error("cannot read all of {}: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  Hasher hasher;
  for (const fs::path& file : files) {
    if (interrupted()) return interruption();
    hasher.part("path", file.lexically_relative(folder).string());
    if (fs::is_symlink(file, error)) {
      hasher.part("link", fs::read_symlink(file, error).string());
      continue;
    }
    const auto content = TRY(read_file(file));
    hasher.part("file", content);
  }
  return hasher.hex();
}

Result<std::string> state_of_tree(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    paths.push_back(at->path());
  if (error) return user_error("cannot read all of {}: {}", folder.string(), error.message());
  std::sort(paths.begin(), paths.end());
  Hasher hasher;
  for (const fs::path& path : paths) {
    if (interrupted()) return interruption();
    struct stat status = {};
    if (lstat(path.c_str(), &status) != 0) return user_error("cannot look at {}: {}", path.string(), errno_text());
    hasher.part("path", path.lexically_relative(folder).string());
    // A folder's size is the file system's affair.
    hasher.part("state", fmt::format("{:o} {} {}.{}", status.st_mode, S_ISDIR(status.st_mode) ? 0 : status.st_size,
                                     status.st_ctim.tv_sec, status.st_ctim.tv_nsec));
  }
  return hasher.hex();
}

Result<std::string> make_cpio(const std::vector<ArchiveEntry>& entries) {
  std::string bytes;
  const Writer writer(archive_write_new(), archive_write_free);
  archive_write_set_format_cpio_newc(writer.get());
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  if (!write_into(writer.get(), bytes)) {
    return machine_error("cannot make an initramfs: {}", error_of(writer.get()));
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
      return machine_error("cannot add {} to the initramfs: {}", item.path, error_of(writer.get()));
    }
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) {
    return machine_error("cannot end the initramfs: {}", error_of(writer.get()));
  }
  return bytes;
}

Result<std::vector<ArchiveEntry>> read_cpio(const fs::path& file) {
  constexpr std::int64_t kMost = 1 << 30;
  std::vector<ArchiveEntry> entries;
  const Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_format_cpio(reader.get());
  const auto damaged = [&] {
    return machine_error("{} is no initramfs of nslab's: {}", file.string(), error_of(reader.get()));
  };
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) return damaged();
  archive_entry* entry = nullptr;
  for (;;) {
    const int next = archive_read_next_header(reader.get(), &entry);
    if (next == ARCHIVE_EOF) return entries;
    if (next != ARCHIVE_OK || archive_entry_size(entry) > kMost) return damaged();
    if (!S_ISREG(archive_entry_mode(entry))) continue;
    ArchiveEntry item{archive_entry_pathname(entry), archive_entry_mode(entry), ""};
    item.content.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    const auto got = archive_read_data(reader.get(), item.content.data(), item.content.size());
    if (got < 0 || static_cast<std::size_t>(got) != item.content.size()) return damaged();
    entries.push_back(std::move(item));
  }
}

}  // namespace nslab
