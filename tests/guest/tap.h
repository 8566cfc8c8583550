// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// What a kernel selftest says about itself. The newer ones print TAP 13 in the dialect of kselftest.h:
///
///   1..N | 1..0 # SKIP why | ok I name | not ok I name | ok I name # SKIP why | ok I # SKIP name or why | # comment
///   Bail out! why
///
/// with XFAIL and XPASS as SKIP. The older ones print what they like, and all end with a status that kselftest.h
/// defines: 0 pass, 2 expected failure, 3 unexpected pass, 4 skip; anything else is a failure.
namespace nslab::tap {

struct Case {
  const char* result = "pass";  ///< pass, fail, skip or xfail
  std::string name;             ///< empty: the program as a whole
  std::string detail;           ///< why it was skipped; the last that was said before it failed
};

constexpr std::size_t kDetailBytes = 400;
constexpr int kExitXfail = 2;
constexpr int kExitSkip = 4;

/// The end of a text on one line, for a report.
inline std::string one_line(std::string_view text, std::size_t most = kDetailBytes) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.size() > most) text.remove_prefix(text.size() - most);
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += " | ";
    } else {
      line += c >= ' ' && c <= '~' ? c : ' ';
    }
  }
  return line;
}

inline bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// `ok` or `not ok` with what follows it: " 3 name # SKIP why".
inline Case read_result(bool ok, std::string_view rest, std::string_view said) {
  rest = trimmed(rest);
  const std::size_t number = rest.find_first_not_of("0123456789");
  rest = number == std::string_view::npos ? "" : rest.substr(number);
  // The name ends at the directive, which stands in its place when there is no name.
  const std::size_t mark = rest.starts_with(" # ") ? 0 : rest.find(" # ");
  const std::string_view name = trimmed(rest.substr(0, mark));
  std::string_view directive = mark == std::string_view::npos ? "" : trimmed(rest.substr(mark + 2));

  Case result;
  if (take(directive, "SKIP")) {
    result.result = "skip";
  } else if (take(directive, "XFAIL")) {
    result.result = "xfail";
  } else if (take(directive, "XPASS") || !ok) {
    result.result = "fail";
  }
  directive = trimmed(directive);
  result.name = one_line(name.empty() ? directive : name);
  if (result.result != std::string_view("pass")) result.detail = one_line(directive);
  if (result.result == std::string_view("fail") && !said.empty()) result.detail = one_line(said);
  return result;
}

/// All cases of one program, from its output and its wait status. There is at least one; what the program did not get
/// to is a failure of the program as a whole.
inline std::vector<Case> read(std::string_view output, int wait_status) {
  std::vector<Case> cases;
  bool failed = false;
  bool ended_early = false;
  std::size_t plan = 0;
  std::size_t said_from = 0;  // what was printed since the last result
  for (std::size_t at = 0; at < output.size();) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    std::string_view line = output.substr(at, end - at);
    const std::string_view said = output.substr(said_from, at - said_from);
    at = end + 1;
    const bool not_ok = take(line, "not ok ");
    if (not_ok || take(line, "ok ")) {
      cases.push_back(read_result(!not_ok, line, said));
      failed = failed || cases.back().result == std::string_view("fail");
      said_from = std::min(at, output.size());
    } else if (take(line, "Bail out!")) {
      cases.push_back({"fail", "", one_line(trimmed(line))});
      failed = ended_early = true;
    } else if (take(line, "1..")) {
      plan = std::strtoul(std::string(line).c_str(), nullptr, 10);
      said_from = std::min(at, output.size());
      const std::size_t skip = line.find("# SKIP");
      if (plan == 0 && skip != std::string_view::npos) {
        cases.push_back({"skip", "", one_line(trimmed(line.substr(skip + 6)))});
        ended_early = true;
      }
    }
  }

  const std::string last = one_line(output.substr(said_from));
  const std::string tail = last.empty() ? "" : ": " + last;
  const auto whole = [&](const char* result, const std::string& why) { cases.push_back({result, "", why + tail}); };
  if (!WIFEXITED(wait_status)) {
    whole("fail", "killed by signal " + std::to_string(WTERMSIG(wait_status)));
    return cases;
  }
  const int status = WEXITSTATUS(wait_status);
  const std::string ended = "exit status " + std::to_string(status);
  if (cases.empty()) {
    if (status == 0) {
      cases.push_back({"pass", "", ""});
    } else {
      whole(status == kExitSkip ? "skip" : status == kExitXfail ? "xfail" : "fail", ended);
    }
  } else if (status != 0 && status != kExitSkip && !failed) {
    whole("fail", ended);
  } else if (status != kExitSkip && !ended_early && cases.size() < plan) {
    whole("fail", std::to_string(cases.size()) + " of " + std::to_string(plan) + " tests ran");
  }
  return cases;
}

}  // namespace nslab::tap
