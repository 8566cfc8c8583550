// SPDX-License-Identifier: GPL-2.0
#include "kernel_table.h"
#include "output.h"
#include "paths.h"
#include "verb.h"

namespace nslab::verb_completion {
namespace {

const RegisterVerb registered({
    .name = "completion",
    .help = "print a completion script for bash",
    .examples = "  source <(build/nslab completion)          in this shell; 'make install' does it for all",
    .declare = [](Arguments&) -> Action {
      return []() -> Result<void> {
        const auto paths = TRY(find_paths_to_read());
        print_out("{}", bash_completion(TRY(load_kernel_table(paths.kernels_folder()))));
        return {};
      };
    },
});

}  // namespace
}  // namespace nslab::verb_completion
