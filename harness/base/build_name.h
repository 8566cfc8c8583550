// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <utility>

namespace nslab {

/// One of several builds of a kernel, which differ in where code and data lie: "multi~2" is the third of multi. The
/// first, 0, has the kernel's own name.
std::string name_of_build(const std::string& kernel, int build);

/// The reverse. What has no number behind its last "~" is a kernel's own name.
std::pair<std::string, int> kernel_and_build(const std::string& name);

}  // namespace nslab
