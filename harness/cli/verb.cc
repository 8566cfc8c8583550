// SPDX-License-Identifier: GPL-2.0
#include "verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <utility>

#include "output.h"
#include "signals.h"
#include "text.h"

namespace nslab {

namespace {

// An empty variable in a script would otherwise mean what stands there when nothing is given.
const CLI::Validator& not_empty() {
  static const CLI::Validator check(
      [](std::string& value) { return value.empty() ? std::string("an empty text is none") : std::string(); }, "");
  return check;
}

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

/// A flag takes none.
bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// The help in plain words: of an option's value its word alone, and its default behind what the option means.
class PlainFormatter : public CLI::Formatter {
 public:
  PlainFormatter() {
    label("SUBCOMMAND", "VERB");
    label("Positionals", "Arguments");
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_positional() || !takes_value(*option)) return "";
    return " " + option->get_type_name();
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string standard = option->get_default_str();
    return option->get_description() + (standard.empty() ? "" : fmt::format(" (default: {})", standard));
  }
};

/// Fills `app` with every registered verb. The action of the verb that the command line names ends in `chosen`.
void declare_verbs(CLI::App& app, Action& chosen) {
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", "nslab " NSLAB_VERSION, "print the version and end");
  app.set_help_flag("-h,--help", "print this help and end");
  app.formatter(std::make_shared<PlainFormatter>());
  for (const auto& [name, verb] : registry()) {
    const auto space = name.find(' ');
    CLI::App* parent = space == std::string::npos ? &app : app.get_subcommand(name.substr(0, space));
    CLI::App* command = parent->add_subcommand(name.substr(space + 1), verb.help)->group("Verbs");
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

/// In words, what is wrong where the command line should have a verb; empty when a verb is there.
std::string verb_mistake(const CLI::App& app) {
  const CLI::App* command = &app;
  std::string path = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  const auto verbs = command->get_subcommands({});
  if (verbs.empty()) return "";
  const auto words = command->remaining();
  if (words.empty()) return fmt::format("a verb is missing; '{} --help' lists them", path);
  const std::string& word = words.front();
  if (word.starts_with("-")) return fmt::format("there is no option '{}'; '{} --help' lists them", word, path);
  std::string text = fmt::format("there is no verb '{}'", word);
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs) names.push_back(verb->get_name());
  if (const auto nearest = nearest_to(word, names)) {
    text += fmt::format("; did you mean '{} {}'?", path, *nearest);
    return text + fmt::format(" '{} --help' lists them all", path);
  }
  return text + fmt::format("; '{} --help' lists them", path);
}

/// The names of a table's entries, with blanks between.
template <class Entries>
std::string names_of(const Entries& entries) {
  std::string names;
  for (const auto& entry : entries) names += (names.empty() ? "" : " ") + entry.name;
  return names;
}

/// The assignment, in bash, that says how an argument's value is completed.
std::string completion_of(const CLI::Option& argument, const KernelTable& kernels) {
  std::string value = argument.get_type_name();
  if (value == "FILE") return "files=-f";
  if (value == "FOLDER") return "files=-d";
  if (value == "KERNEL") return "words=$kernels files=''";
  std::string words;
  if (value == "PROFILE") words = names_of(kernels.profiles);
  if (value == "BASE") words = names_of(kernels.bases);
  if (std::islower(static_cast<unsigned char>(value.front())) != 0) {  // the choices themselves
    std::replace(value.begin(), value.end(), '|', ' ');
    words = value;
  }
  return fmt::format("words='{}' files=''", words);
}

}  // namespace

RegisterVerb::RegisterVerb(Verb verb) { registry().emplace(verb.name, verb); }

void Arguments::positional(const char* name, std::string& target, const std::string& help, const char* value) {
  app_.add_option(name, target, help)->required()->type_name(value)->check(not_empty());
}

void Arguments::positional(const char* name, std::vector<std::string>& target, const std::string& help,
                           const char* value) {
  app_.add_option(name, target, help)->required()->type_name(value)->check(not_empty());
}

void Arguments::optional_positional(const char* name, std::string& target, const std::string& help, const char* value) {
  app_.add_option(name, target, help)->type_name(value)->check(not_empty());
}

void Arguments::command(const char* name, std::vector<std::string>& target, const std::string& help) {
  app_.add_option(name, target, help)->type_name("WORD")->expected(-1);
}

void Arguments::option(const char* names, std::string& target, const std::string& help, const char* value) {
  CLI::Option* option = app_.add_option(names, target, help)->type_name(value)->check(not_empty());
  if (!target.empty()) option->capture_default_str();
}

// What a check says of itself would stand in the help, behind the value's word.
void Arguments::option(const char* names, int& target, int low, int high, const std::string& help) {
  app_.add_option(names, target, help)->type_name("N")->check(CLI::Range(low, high).description(""));
}

void Arguments::choice(const char* names, std::string& target, const std::vector<std::string>& choices,
                       const std::string& help) {
  option(names, target, help, fmt::format("{}", fmt::join(choices, "|")).c_str());
  app_.get_option(std::string(names).substr(0, std::string(names).find(',')))
      ->check(CLI::IsMember(choices).description(""));
}

void Arguments::flag(const char* names, bool& target, const std::string& help) { app_.add_flag(names, target, help); }

void Arguments::hidden(const char* names, std::string& target, const std::string& help) {
  app_.add_option(names, target, help)->group("");
}

const char* program_version() { return NSLAB_VERSION; }

int run_command_line(int argc, char** argv) {
  CLI::App app(
      "A performance lab for namespace kernels: it builds variants of Linux, boots them under QEMU, and compares them.",
      "nslab");
  Action action;
  declare_verbs(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool asked = error.get_exit_code() == 0;  // for help or the version
    std::string mistake = asked ? "" : verb_mistake(app);
    if (mistake.empty()) {
      app.exit(error, out, err);
      mistake = err.str();
    } else {
      mistake += "\n";
    }
    const Exit exit = asked ? Exit::done : Exit::user;
    write_out(out.str());
    if (!asked) write_err("nslab: " + mistake);
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
  // A command that ran in a guest has said itself what is wrong.
  if (!result.error().message.empty()) print_err("nslab: {}\n", result.error().message);
  return exit_code(result.error().exit);
}

std::string bash_completion(const KernelTable& kernels) {
  CLI::App app("", "nslab");
  Action ignored;
  declare_verbs(app, ignored);
  std::vector<std::string> known;  // "kernel build ": the verbs, each with a blank behind it
  std::string of_verbs;
  std::string of_options;
  const auto add = [&](const std::string& verb, const CLI::App& command) {
    if (!verb.empty()) known.push_back(fmt::format("'{}'", verb));
    std::vector<std::string> options;
    std::vector<std::string> subverbs;
    for (const CLI::App* sub : command.get_subcommands({})) subverbs.push_back(sub->get_name());
    std::string first = subverbs.empty() ? "" : fmt::format("words='{}'", fmt::join(subverbs, " "));
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group().empty()) continue;
      if (option->get_positional()) {
        if (first.empty()) first = completion_of(*option, kernels);
        continue;
      }
      std::vector<std::string> patterns;
      for (const std::string& name : option->get_lnames()) {
        options.push_back("--" + name);
        patterns.push_back(fmt::format("'{}--{}'", verb, name));
      }
      for (const std::string& name : option->get_snames()) patterns.push_back(fmt::format("'{}-{}'", verb, name));
      if (!takes_value(*option)) continue;
      of_options += fmt::format("    {}) {} ;;\n", fmt::join(patterns, " | "), completion_of(*option, kernels));
    }
    of_verbs +=
        fmt::format("    '{}') options='{}'; {} ;;\n", verb, fmt::join(options, " "), first.empty() ? ":" : first);
  };
  add("", app);
  for (const CLI::App* verb : app.get_subcommands({})) {
    add(verb->get_name() + " ", *verb);
    for (const CLI::App* sub : verb->get_subcommands({})) add(verb->get_name() + " " + sub->get_name() + " ", *sub);
  }
  // Words that are no verb (files, models, a verb with a slip) are passed over. Bash takes '=' for a word of its own.
  return fmt::format(R"(# bash completion for nslab, printed by 'nslab completion'
_nslab() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} verb='' words='' options='' files='' word
  local kernels='{}'
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$verb$word " in {}) verb+="$word " ;; esac
  done
  [[ $current == = ]] && previous=${{COMP_WORDS[COMP_CWORD-1]}} current=''
  [[ $previous == = ]] && previous=${{COMP_WORDS[COMP_CWORD-2]}}
  case $verb in
{}  esac
  [[ $current == -* ]] && words=$options files=''
  case $verb$previous in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ $files ]] && compgen "$files" -- "$current")
}}
complete -o filenames -F _nslab nslab
)",
                     names_of(kernels.models), fmt::join(known, " | "), of_verbs, of_options);
}

}  // namespace nslab
