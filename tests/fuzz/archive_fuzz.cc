// SPDX-License-Identifier: GPL-2.0
//
// A tarball, compressed or not, unpacked some folders deep in a temporary folder. Nothing may appear beside it.
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "archives.h"
#include "files.h"
#include "fuzz.h"

namespace nslab::fuzz {
namespace fs = std::filesystem;

namespace {

constexpr uid_t kNobody = 65534;

/// A tarball may claim to have more than memory or disk have: we write no more of a file than this.
constexpr rlim_t kMostFileBytes = 1 << 20;

struct Box {
  TempFolder folder = *TempFolder::make(fs::temp_directory_path(), "nslab-fuzz");
  fs::path canary = folder.path() / "a/canary";
  fs::path inside = folder.path() / "a/b/c/inside";

  Box() {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {kMostFileBytes, kMostFileBytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    fs::create_directories(inside.parent_path());
    require(write_file(canary, "alive").has_value(), "a file can be written");
    // Who unpacks is nobody in particular, below, and has to get here.
    for (const fs::path& at : {folder.path(), folder.path() / "a", folder.path() / "a/b"}) {
      require(chown(at.c_str(), geteuid() == 0 ? kNobody : geteuid(), -1) == 0, "a folder can be given away");
    }
  }
};

bool is_below(const fs::path& path, const fs::path& folder) {
  const std::string start = folder.string() + "/";
  return path == folder || path.string().starts_with(start);
}

void look_around(const Box& box) {
  struct stat canary = {};
  require(lstat(box.canary.c_str(), &canary) == 0 && canary.st_nlink == 1 && canary.st_size == 5, "the canary lives");
  for (const auto& entry : fs::recursive_directory_iterator(box.folder.path())) {
    const fs::path& path = entry.path();
    if (path == box.canary || is_below(box.inside, path)) continue;
    require(is_below(path, box.inside), "what is unpacked stays in its folder");
    const auto status = entry.symlink_status();
    require((status.permissions() & (fs::perms::set_uid | fs::perms::set_gid)) == fs::perms::none, "no set-user-id");
    if (fs::is_symlink(status)) {
      std::error_code error;
      const fs::path target = fs::weakly_canonical(path, error);
      require(error || is_below(target, box.inside), "links lead to what is unpacked");
    } else {
      require(fs::is_regular_file(status) || fs::is_directory(status), "no devices, pipes or sockets");
    }
  }
}

}  // namespace

void try_input(std::string_view input) {
  static const Box box;
  const Fd file(memfd_create("tarball", 0));
  require(write(file.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()), "there is memory");
  const fs::path name = fmt::format("/proc/self/fd/{}", file.get());

  fs::create_directories(box.inside);
  if (geteuid() == 0) require(chown(box.inside.c_str(), kNobody, -1) == 0, "a folder can be given away");
  // Should a tarball lead us out, it must not do harm where this runs as root.
  const int before = setfsuid(geteuid() == 0 ? kNobody : geteuid());
  const auto unpacked = unpack_archive(name, box.inside);
  setfsuid(before);
  require(unpacked || !unpacked.error().message.empty(), "errors speak");
  look_around(box);
  fs::remove_all(box.inside);

  lseek(file.get(), 0, SEEK_SET);
  const auto content = read_compressed(name);
  require(content || content.error().exit == Exit::user, "it is the user's mistake");
}

}  // namespace nslab::fuzz
