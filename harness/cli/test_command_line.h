// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "verb.h"

namespace nslab {

/// For tests: how a call of nslab ended.
struct Ended {
  int exit_code = 0;
  std::string output;
  std::string errors;
};

/// For tests: runs nslab, within the test program, with these words behind its name.
inline Ended nslab(std::vector<std::string> words) {
  words.insert(words.begin(), "nslab");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ended ended;
  ended.exit_code = run_command_line(static_cast<int>(argv.size()), argv.data());
  ended.output = testing::internal::GetCapturedStdout();
  ended.errors = testing::internal::GetCapturedStderr();
  return ended;
}

/// For tests: sets variables of the environment, or removes those without a value, until it is destroyed.
class WithEnvironment {
 public:
  WithEnvironment(std::initializer_list<std::pair<const char*, std::optional<std::string>>> variables) {
    for (const auto& [name, value] : variables) {
      const char* now = std::getenv(name);
      before_[name] = now == nullptr ? std::nullopt : std::optional<std::string>(now);
      set(name, value);
    }
  }
  ~WithEnvironment() {
    for (const auto& [name, value] : before_) set(name, value);
  }
  WithEnvironment(const WithEnvironment&) = delete;
  WithEnvironment& operator=(const WithEnvironment&) = delete;

 private:
  static void set(const std::string& name, const std::optional<std::string>& value) {
    value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace nslab
