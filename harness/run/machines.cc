// SPDX-License-Identifier: GPL-2.0
#include "machines.h"

#include <algorithm>
#include <charconv>

#include "text.h"

namespace nslab {

namespace {

constexpr int kMostPlaces = 1024;

/// What nslab itself sets: a user's value would break the run.
constexpr const char* kOwnOptions[] = {"array", "output", "parsable", "wrap", "wait", "exclude", "test-only"};

bool is_name(std::string_view text, std::string_view more) {
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || more.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// sbatch's options, which commas separate. A comma of a value's own is written twice.
std::vector<std::string> options_of(const std::string& text) {
  std::vector<std::string> options;
  bool goes_on = false;
  for (const std::string& part : split_at(text, ',')) {
    if (goes_on) {
      options.back() += "," + part;
      goes_on = false;
    } else if (part.empty() && !options.empty()) {
      goes_on = true;
    } else {
      options.push_back(part);
    }
  }
  return options;
}

}  // namespace

Result<Machines> machines_from(const std::string& text) {
  Machines machines;
  if (text.empty()) return machines;
  const auto wrong = [&](const std::string& why) {
    return user_error(
        "--on {}: {}. Say 'slurm', 'slurm:partition=short,time=30' (sbatch's long options), or 'ssh:host1,host2*4' "
        "(four boots at once on host2)",
        text, why);
  };
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (text == "slurm") {
    machines.kind = Machines::Kind::slurm;
    return machines;
  }
  if (kind != "slurm" && kind != "ssh") return wrong(fmt::format("'{}' is neither slurm nor ssh", kind));
  if (rest.empty() || rest.back() == ',') return wrong("a name is missing");
  if (kind == "slurm") {
    machines.kind = Machines::Kind::slurm;
    for (const std::string& option : options_of(rest)) {
      const auto equals = option.find('=');
      const std::string name = option.substr(0, equals);
      if (!is_name(name, "-")) return wrong(fmt::format("'{}' is no option of sbatch", option));
      // sbatch takes the beginning of an option for the option.
      if (std::any_of(std::begin(kOwnOptions), std::end(kOwnOptions),
                      [&](const std::string& own) { return own.starts_with(name); }))
        return wrong(fmt::format("nslab sets '{}' itself", name));
      machines.slurm_options[name] = equals == std::string::npos ? "" : option.substr(equals + 1);
    }
    return machines;
  }
  machines.kind = Machines::Kind::ssh;
  for (const std::string& named : split_at(rest, ',')) {
    const auto star = named.find('*');
    const std::string host = named.substr(0, star);
    if (!is_name(host, "@.-_:[]%")) return wrong(fmt::format("'{}' is no host", named));
    int places = 0;
    if (star != std::string::npos) {
      const char* end = named.data() + named.size();
      const auto [parsed, error] = std::from_chars(named.data() + star + 1, end, places);
      if (error != std::errc() || parsed != end || places < 1 || places > kMostPlaces)
        return wrong(fmt::format("'{}' is no number of boots", named.substr(star + 1)));
    }
    machines.hosts.emplace_back(host, places);
  }
  return machines;
}

}  // namespace nslab
