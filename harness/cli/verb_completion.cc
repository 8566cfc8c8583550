// SPDX-License-Identifier: GPL-2.0
#include "output.h"
#include "verb.h"

namespace nslab::verb_completion {
namespace {

const RegisterVerb registered({
    .name = "completion",
    .help = "print a completion script for bash",
    .examples = "  source <(build/nslab completion)          in this shell; 'make install' does it for all",
    .declare = [](Arguments&) -> Action {
      return []() -> Result<void> {
        print_out("{}", bash_completion());
        return {};
      };
    },
});

}  // namespace
}  // namespace nslab::verb_completion
