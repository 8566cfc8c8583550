// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "benchmarks.h"
#include "meter.h"
#include "paths.h"
#include "result.h"

namespace nslab {

/// The initramfs of every boot: the guest's init, the launcher, the benchmarks, and the shared libraries they load.
struct Image {
  std::string hash;  ///< SHA-256 of the file
  std::filesystem::path file;
};

/// The shared libraries that a dynamic program loads, and the loader, as the loader itself resolves them: path in the
/// guest → path on the host. Exit::machine when one is missing.
Result<std::map<std::string, std::filesystem::path>> libraries_of(const std::filesystem::path& program);

/// By each file's path in the guest, where it is on this host; with the shared libraries that programs load. This is
/// what make_image() takes as `more`. Exit::machine when one is missing, with the package to install.
Result<std::map<std::string, std::filesystem::path>> locate_files(const Paths& paths, const std::set<GuestFile>& files);

/// The initramfs of the built guest programs and `more` (path in the guest → file), as bytes; nothing is written. Each
/// meter has its own init and worker in it. Exit::machine when a program or a library is missing.
Result<std::string> pack_image(const Paths& paths, const std::map<std::string, std::filesystem::path>& more = {},
                               Meter meter = Meter::instructions);

/// pack_image(), kept in the cache under its hash.
Result<Image> make_image(const Paths& paths, const std::map<std::string, std::filesystem::path>& more = {},
                         Meter meter = Meter::instructions);

}  // namespace nslab
