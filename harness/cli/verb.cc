// SPDX-License-Identifier: GPL-2.0
#include "verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

#include "output.h"
#include "signals.h"

namespace nslab {

namespace {

constexpr const char* kFooter = R"(A first session:
  nslab report results/reference/smoke            the answer, before anything is built
  nslab doctor                                    what this machine can do
  nslab run configs/smoke.toml                    kernels, boots; Ctrl-C at any time, the same command goes on
  nslab report results/smoke                      tables here; plots and a page in that folder
  nslab compare multi flat+cache                  two kernels, cell by cell
'nslab VERB --help' explains a verb and gives examples.

Exit codes: 0 done, 1 a result says no, 2 the user's mistake, 3 the machine lacks something, 4 a bug.)";

/// In the order of their names, so that the help does not depend on the linker.
std::map<std::string, Verb>& registry() {
  static std::map<std::string, Verb> verbs;
  return verbs;
}

/// Fills `app` with every registered verb. The action of the verb that the command line names ends in `chosen`.
void declare_verbs(CLI::App& app, Action& chosen) {
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", "nslab " NSLAB_VERSION);
  for (const auto& [name, verb] : registry()) {
    const auto space = name.find(' ');
    CLI::App* parent = space == std::string::npos ? &app : app.get_subcommand(name.substr(0, space));
    CLI::App* command = parent->add_subcommand(name.substr(space + 1), verb.help);
    command->footer(*verb.examples == '\0' ? "" : std::string("Examples:\n") + verb.examples);
    if (!verb.declare) {
      command->require_subcommand(1);
      continue;
    }
    Arguments arguments(*command);
    Action action = verb.declare(arguments);
    command->callback([action, &chosen] { chosen = action; });
  }
}

int exit_code(Exit exit) { return static_cast<int>(exit); }

}  // namespace

RegisterVerb::RegisterVerb(Verb verb) { registry().emplace(verb.name, verb); }

void Arguments::positional(const char* name, std::string& target, const std::string& help) {
  app_.add_option(name, target, help)->required();
}

void Arguments::positional(const char* name, std::vector<std::string>& target, const std::string& help) {
  app_.add_option(name, target, help)->required();
}

void Arguments::optional_positional(const char* name, std::string& target, const std::string& help) {
  app_.add_option(name, target, help);
}

void Arguments::option(const char* names, std::string& target, const std::string& help) {
  CLI::Option* option = app_.add_option(names, target, help);
  if (!target.empty()) option->capture_default_str();
}

void Arguments::option(const char* names, int& target, int low, int high, const std::string& help) {
  app_.add_option(names, target, help)->check(CLI::Range(low, high));
}

void Arguments::choice(const char* names, std::string& target, const std::vector<std::string>& choices,
                       const std::string& help) {
  option(names, target, help);
  app_.get_option(std::string(names).substr(0, std::string(names).find(',')))->check(CLI::IsMember(choices));
}

void Arguments::flag(const char* names, bool& target, const std::string& help) { app_.add_flag(names, target, help); }

void Arguments::hidden(const char* names, std::string& target, const std::string& help) {
  app_.add_option(names, target, help)->group("");
}

int run_command_line(int argc, char** argv) {
  CLI::App app("nslab: a performance lab for namespace kernels", "nslab");
  Action action;
  declare_verbs(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const Exit exit = app.exit(error, out, err) == 0 ? Exit::done : Exit::user;
    write_out(out.str());
    write_err(err.str());
    const auto written = output_error();
    if (!written) print_err("nslab: {}\n", written.error().message);
    return exit_code(written ? exit : written.error().exit);
  }
  install_interrupt_handlers();
  auto result = action();
  // A tool that the signal ended as well looks as if it were missing or broken.
  if (!result && interrupted() && result.error().exit != Exit::says_no) result = interruption();
  // What the verb itself says is more than that its output was lost.
  if (const auto written = output_error(); result && !written) result = written;
  if (result) return exit_code(Exit::done);
  print_err("nslab: {}\n", result.error().message);
  return exit_code(result.error().exit);
}

std::string bash_completion() {
  CLI::App app("", "nslab");
  Action ignored;
  declare_verbs(app, ignored);
  const auto words_of = [](CLI::App& command) {
    std::vector<std::string> words;
    for (const CLI::App* sub : command.get_subcommands({})) words.push_back(sub->get_name());
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
    return fmt::format("{}", fmt::join(words, " "));
  };
  std::string cases;
  std::vector<std::string> known;
  const auto add = [&](const std::string& name, CLI::App& verb) {
    known.push_back(fmt::format("'{} '", name));
    cases += fmt::format("    '{} ') words='{}' ;;\n", name, words_of(verb));
  };
  for (CLI::App* verb : app.get_subcommands({})) {
    add(verb->get_name(), *verb);
    for (CLI::App* sub : verb->get_subcommands({})) add(verb->get_name() + " " + sub->get_name(), *sub);
  }
  // Words that are no verb (files, models, a verb with a slip) are passed over.
  return fmt::format(R"(# bash completion for nslab, printed by 'nslab completion'
_nslab() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} verb='' words='' word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$verb$word " in {}) verb+="$word " ;; esac
  done
  case $verb in
    '') words='{}' ;;
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ $verb && $current != -* ]] && compgen -f -- "$current")
}}
complete -o filenames -F _nslab nslab
)",
                     fmt::join(known, " | "), words_of(app), cases);
}

}  // namespace nslab
