// SPDX-License-Identifier: GPL-2.0
#include "program.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nslab::macro {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// The worker's own, and with it the seed's pad: the program's stack moves as the worker's does.
std::vector<std::string> environment() {
  std::vector<std::string> variables = {"LC_ALL=C"};
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

/// A program to run again and again.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments)
      : arguments_(arguments), environment_(environment()), output_(memfd_create("output", MFD_CLOEXEC)) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, output_, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output_, STDERR_FILENO);
    // The worker's result, too: PID 1 waits until nobody can write to it.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    posix_spawn_file_actions_destroy(&actions_);
    close(output_);
  }

  /// The operation.
  void run() {
    pid_t child = -1;
    error_ = posix_spawn(&child, argv_[0], &actions_, nullptr, argv_.data(), envp_.data());
    if (error_ == 0 && waitpid(child, &status_, 0) != child) error_ = errno;
  }

  /// Of the last run; makes room for the output of the next.
  const char* check(const std::function<const char*(std::string_view)>& judge) {
    const std::string output = take_output();
    if (error_ != 0) return wrong(std::string("could not be run: ") + std::strerror(error_), "");
    if (WIFSIGNALED(status_)) return wrong("was killed by signal " + std::to_string(WTERMSIG(status_)), output);
    if (WEXITSTATUS(status_) != 0) return wrong("ended with " + std::to_string(WEXITSTATUS(status_)), output);
    const char* const complaint = judge(output);
    return complaint == nullptr ? nullptr : wrong(complaint, output);
  }

 private:
  std::string take_output() const {
    std::string text;
    char buffer[4096];
    lseek(output_, 0, SEEK_SET);
    for (ssize_t got; (got = read(output_, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(got));
    }
    if (ftruncate(output_, 0) != 0) text += "(cannot truncate the output)";
    lseek(output_, 0, SEEK_SET);
    return text;
  }

  const char* wrong(const std::string& what, const std::string& output) {
    constexpr std::size_t kShown = 400;
    complaint_ = arguments_.front() + " " + what;
    if (!output.empty()) complaint_ += "; it wrote: " + output.substr(output.size() - std::min(output.size(), kShown));
    return complaint_.c_str();
  }

  const std::vector<std::string> arguments_;
  const std::vector<std::string> environment_;
  const std::vector<char*> argv_ = pointers(arguments_);
  const std::vector<char*> envp_ = pointers(environment_);
  const int output_;
  posix_spawn_file_actions_t actions_ = {};
  int error_ = 0;
  int status_ = -1;
  std::string complaint_;
};

}  // namespace

void measure_program(micro::Measurement& measurement, const std::vector<std::string>& arguments,
                     const std::function<const char*(std::string_view output)>& judge) {
  Program program(arguments);
  measurement.repeat([&] { program.run(); }, [&] { return program.check(judge); });
}

void measure_program(micro::Measurement& measurement, const std::vector<std::string>& arguments,
                     std::string_view output) {
  measure_program(measurement, arguments, [output](std::string_view written) {
    return written == output ? nullptr : "wrote something else than it should";
  });
}

}  // namespace nslab::macro
