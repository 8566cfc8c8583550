// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel_table.h"
#include "result.h"

namespace CLI {
class App;
}

namespace nslab {

/// The arguments of a verb. Each call declares one, says what it means, and where its value goes; a target that is not
/// empty is the default, and the help shows it. `value` is the word that stands for the value in the help, and says how
/// bash completes it: FILE, FOLDER, KERNEL, PROFILE, BASE; another word is not completed. CLI11 stands behind this
/// class in one file, since each file that includes CLI11 takes 15 s to compile.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}

  /// A required argument, by its place.
  void positional(const char* name, std::string& target, const std::string& help, const char* value = "TEXT");
  /// One or more of them.
  void positional(const char* name, std::vector<std::string>& target, const std::string& help,
                  const char* value = "TEXT");
  void optional_positional(const char* name, std::string& target, const std::string& help, const char* value = "TEXT");
  /// A command with its own options, behind "--"; it may be missing.
  void command(const char* name, std::vector<std::string>& target, const std::string& help);

  /// `names` as in "--jobs,-j".
  void option(const char* names, std::string& target, const std::string& help, const char* value = "TEXT");
  void option(const char* names, int& target, int low, int high, const std::string& help);
  void choice(const char* names, std::string& target, const std::vector<std::string>& choices, const std::string& help);
  void flag(const char* names, bool& target, const std::string& help);
  /// An option that the help does not show: for tests.
  void hidden(const char* names, std::string& target, const std::string& help);

 private:
  CLI::App& app_;
};

/// What a verb does once its arguments are read.
using Action = std::function<Result<void>()>;

/// A verb of the command line: 'nslab NAME …'.
struct Verb {
  const char* name;      ///< "run"; "kernel build" is the verb 'build' of the group 'kernel'
  const char* help;      ///< one line
  const char* examples;  ///< shown at the end of the verb's help, a command a line
  /// Declares the arguments and returns what the verb does. Empty: the name of a group.
  std::function<Action(Arguments&)> declare;
};

/// A verb lives in a file of its own, verb_NAME.cc, which registers it by a variable of this type. No other file
/// changes when a verb is added.
struct RegisterVerb {
  explicit RegisterVerb(Verb verb);
};

/// The usual body of `declare`: arguments in a struct, read by `declare_arguments` and used by `act`.
template <class Struct>
std::function<Action(Arguments&)> verb_body(void (*declare_arguments)(Arguments&, Struct&),
                                            Result<void> (*act)(const Struct&)) {
  return [=](Arguments& arguments) -> Action {
    auto values = std::make_shared<Struct>();
    declare_arguments(arguments, *values);
    return [=] { return act(*values); };
  };
}

/// nslab's own, as "1.0.0".
const char* program_version();

/// Reads the command line, runs the verb, and returns the exit code (docs/exit-codes.md).
int run_command_line(int argc, char** argv);

/// A completion script for bash, with every verb, option and fixed value there is, and the names in `kernels`.
std::string bash_completion(const KernelTable& kernels);

}  // namespace nslab
