// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "call_tree.h"
#include "result.h"

namespace nslab {

/// A function's machine code, without what the linker decides: addresses of data are left out, and of functions only
/// their names are left. Hashes, so that equal ones are equal code.
struct MaskedCode {
  std::string exact;     ///< with all constants and the offsets of fields
  std::string skeleton;  ///< without them: the instructions alone
  bool operator==(const MaskedCode&) const = default;
};

/// What became of a function between two kernels.
enum class CodeChange {
  same,       ///< the same code
  constants,  ///< the same instructions in the same order, with other constants or offsets: a field has moved, a struct
              ///< has grown. Each execution costs the same
  changed,    ///< other instructions
  gone,       ///< only the first kernel has it
  fresh,      ///< only the second one has it
};

/// As "same code".
const char* words_for(CodeChange change);

/// The code of these functions of a kernel. Functions of the same name are taken together. Those that the kernel does
/// not have are missing in the result. Decoding is Capstone's. Exit::machine when vmlinux cannot be read.
Result<std::map<std::string, MaskedCode>> masked_code(const std::filesystem::path& vmlinux,
                                                      const std::set<std::string>& names);

/// Compares one function in the results of masked_code() for two kernels. A name that neither has (as "[idle]") is the
/// same.
CodeChange change_of(const std::string& name, const std::map<std::string, MaskedCode>& a,
                     const std::map<std::string, MaskedCode>& b);

/// What became of functions between kernels. Reads the code of each function of a kernel once.
class CodeComparer {
 public:
  /// Of all functions of the kernel in these trees: from the kernel `a`, which executed `trees_a`, to `b`. Fails as
  /// masked_code() does.
  Result<std::map<std::string, CodeChange>> changes(const std::filesystem::path& a,
                                                    const std::vector<CallTree>& trees_a,
                                                    const std::filesystem::path& b,
                                                    const std::vector<CallTree>& trees_b);

 private:
  struct Known {
    std::set<std::string> names;  ///< that were looked for
    std::map<std::string, MaskedCode> code;
  };
  Result<const Known*> code_of(const std::filesystem::path& vmlinux, const std::set<std::string>& names);

  std::map<std::filesystem::path, Known> kernels_;
};

}  // namespace nslab
