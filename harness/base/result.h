// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace nslab {

/// How the program ends; the numbers are the exit codes that docs/exit-codes.md promises.
enum class Exit {
  done = 0,     ///< what was asked is done
  says_no = 1,  ///< the work is done and its result says no (a failed boot, a difference found where none may be)
  user = 2,     ///< the user's mistake: a config, an argument, a name
  machine = 3,  ///< the machine lacks something: a package, a device, disk space
  bug = 4,      ///< a mistake of this program
};

/// An error as a value. The message says what happened, to what, and what to do next, in one or more lines without a
/// trailing newline.
struct Error {
  Exit exit = Exit::bug;
  std::string message;
};

/// Either a value or an Error. Errors that can happen come back as values; exceptions are for what cannot be mended.
/// Result adds two things to tl::expected: the compiler warns when one is ignored, and an Error converts to it.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  Result(T value) : tl::expected<T, Error>(std::move(value)) {}
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  Result() = default;
  Result(Error error) : tl::expected<void, Error>(tl::unexpect, std::move(error)) {}
};

template <class T>
T value_of_try(Result<T>&& result) {
  return std::move(*result);
}
inline void value_of_try(Result<void>&& /*result*/) {}

/// The value of a Result; where it is an Error, the function that TRY stands in returns that Error.
/// (A statement expression, which GCC and Clang have. Not within braces behind another member: `{name, TRY(...)}`. Both
/// compilers then leave without destroying the members that are made already.)
#define TRY(...)                                 \
  ({                                             \
    auto tried = (__VA_ARGS__);                  \
    if (!tried) return std::move(tried).error(); \
    ::nslab::value_of_try(std::move(tried));     \
  })

/// What an exception that left its function is to the user: memory that ran out and threads that cannot be had are the
/// machine's, all else is a bug of nslab.
Error error_of(const std::exception& exception);

/// An Error with the exit code of its name, and a message made by fmt::format().
template <class... Args>
Error user_error(fmt::format_string<Args...> format, Args&&... args) {
  return {Exit::user, fmt::format(format, std::forward<Args>(args)...)};
}
template <class... Args>
Error machine_error(fmt::format_string<Args...> format, Args&&... args) {
  return {Exit::machine, fmt::format(format, std::forward<Args>(args)...)};
}
/// Exit::says_no.
template <class... Args>
Error negative_result(fmt::format_string<Args...> format, Args&&... args) {
  return {Exit::says_no, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace nslab
