// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace nslab {

/// How the program ends; the numbers are the exit codes that docs/exit-codes.md promises.
enum class Exit {
  done = 0,     ///< what was asked is done
  says_no = 1,  ///< the work is done and its result says no (a failed boot, a difference found where none may be)
  user = 2,     ///< the user's mistake: a config, an argument, a name
  machine = 3,  ///< the machine lacks something: a package, a device, disk space
  bug = 4,      ///< a mistake of this program
};

/// An error that can happen in the best of programs, as a value. The message says what happened, to what, and
/// what to do next, in one or more lines without a trailing newline.
struct Error {
  Exit exit = Exit::bug;
  std::string message;
};

/// Either a value or an Error. Errors that can happen come back as values; exceptions are for what cannot be mended.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }

  T& operator*() { return std::get<T>(state_); }
  const T& operator*() const { return std::get<T>(state_); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }

  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// Error{Exit::user, fmt::format(...)} and its kin.
template <class... Args>
Error user_error(fmt::format_string<Args...> format, Args&&... args) {
  return {Exit::user, fmt::format(format, std::forward<Args>(args)...)};
}
template <class... Args>
Error machine_error(fmt::format_string<Args...> format, Args&&... args) {
  return {Exit::machine, fmt::format(format, std::forward<Args>(args)...)};
}
template <class... Args>
Error refusal(fmt::format_string<Args...> format, Args&&... args) {
  return {Exit::says_no, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace nslab
