// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nslab {

/// What errno says, as "No such file or directory", and what to do where that is known.
std::string errno_text();

/// The lines of a text, without their newlines. A newline at the end of the text ends its last line and starts no
/// empty one: "a\n\nb\n" has the lines "a", "" and "b", and an empty text has none.
std::vector<std::string> lines_of(std::string_view text);

/// The parts of a text between separators: "a,,b" has three, and nothing follows a separator at its end.
std::vector<std::string> split_at(const std::string& text, char separator);

/// The text without control characters, but for tabs and ends of lines: what comes from a results folder or a guest
/// must not command a terminal. UTF-8 stays.
std::string without_controls(std::string_view text);

/// "1 boot", "0 boots", "40 boots".
std::string counted(std::uint64_t count, std::string_view noun);

/// Of the names, the one that a misspelt word most likely means; nothing where none is near.
std::optional<std::string> nearest_to(std::string_view word, const std::vector<std::string>& names);
/// For a message: "there is no WHAT 'WORD'; did you mean 'NAME'? There are: NAME, NAME". Where there are too many for
/// that, `lister` is the command that shows them: it is named in their place.
std::string unknown_name(std::string_view what, std::string_view word, const std::vector<std::string>& names,
                         std::string_view lister = {});

/// The text without the newlines at its end.
std::string without_last_newlines(std::string_view text);

/// The last `most` bytes of a text, or all of it when it has fewer.
std::string end_of(std::string_view text, std::size_t most);

/// A word as a shell takes it for this very word: as it is, or in quotes where it has other letters than names have.
std::string for_shell(std::string_view word);

/// The last `count` lines of a text, or all of them when it has fewer.
std::vector<std::string> last_lines(std::string_view text, std::size_t count);

}  // namespace nslab
