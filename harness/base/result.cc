// SPDX-License-Identifier: GPL-2.0
#include "result.h"

#include <new>
#include <system_error>

namespace nslab {

Error error_of(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return machine_error("memory ran out: raise the limit (ulimit -v, memory.max), or boot fewer at once (--jobs)");
  }
  const auto* const system = dynamic_cast<const std::system_error*>(&exception);
  if (system != nullptr && system->code() == std::errc::resource_unavailable_try_again) {
    return machine_error(
        "no more threads can be had: raise the limit (ulimit -u, pids.max), or boot fewer at once (--jobs)");
  }
  return Error{Exit::bug, fmt::format("this is a bug of nslab: {}", exception.what())};
}

}  // namespace nslab
