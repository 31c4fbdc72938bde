// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ringtrain::launcher {
namespace {

// A word that may follow, and its help text.
struct Word {
  std::string text;
  std::string help;
};

// A command by its path, for example " dataset import" (empty for the program itself).
struct Command {
  std::string path;
  std::vector<Word> commands;
  std::vector<Word> options;
};

void walk(const CLI::App& app, const std::string& path, std::vector<Command>& commands) {
  Command own{.path = path, .commands = {}, .options = {}};
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : below)
    own.commands.push_back({sub->get_name(), sub->get_description()});
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      own.options.push_back({"--" + name, option->get_description()});
    }
  }
  commands.push_back(std::move(own));
  for (const CLI::App* sub : below) walk(*sub, path + " " + sub->get_name(), commands);
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> commands;
  walk(app, "", commands);
  return commands;
}

// Paths as the pattern of a shell's case: '" dataset"|" dataset import"'.
std::string pattern_of(const std::vector<Command>& commands) {
  std::string pattern;
  for (const Command& command : commands) {
    if (!command.path.empty()) {
      pattern += fmt::format("{}\"{}\"", pattern.empty() ? "" : "|", command.path);
    }
  }
  return pattern;
}

std::string joined(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

// 'word:help' as zsh's _describe reads it.
std::string described(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) {
    std::string quoted;
    for (const char c : word.help) {
      if (c == '\'') {
        quoted += R"('\'')";
      } else {
        quoted += c == '\n' ? ' ' : c;
      }
    }
    text += fmt::format("{}'{}:{}'", text.empty() ? "" : " ", word.text, quoted);
  }
  return text;
}

std::string bash_completion(const CLI::App& app) {
  const std::vector<Command> commands = commands_of(app);
  std::string cases;
  for (const Command& command : commands) {
    cases += fmt::format("    \"{}\") commands='{}' options='{}' ;;\n", command.path,
                         joined(command.commands), joined(command.options));
  }
  return fmt::format(R"(# Completion of ringtrain for bash, made by `ringtrain completion bash`.
_ringtrain() {{
  local word path= commands= options= current=${{COMP_WORDS[COMP_CWORD]}}
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path $word" in
    {}) path+=" $word" ;;
    esac
  done
  case "$path" in
{}  esac
  COMPREPLY=()
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ $commands ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
  fi
}}
complete -o bashdefault -o default -F _ringtrain ringtrain
)",
                     pattern_of(commands), cases);
}

std::string zsh_completion(const CLI::App& app) {
  const std::vector<Command> commands = commands_of(app);
  std::string cases;
  for (const Command& command : commands) {
    cases += fmt::format("    \"{}\")\n      commands=({})\n      options=({})\n      ;;\n",
                         command.path, described(command.commands), described(command.options));
  }
  return fmt::format(R"(#compdef ringtrain
# Completion of ringtrain for zsh, made by `ringtrain completion zsh`.
_ringtrain() {{
  local word place=
  local -a commands options
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "$place $word" in
    {}) place+=" $word" ;;
    esac
  done
  case "$place" in
{}  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe option options
  elif (( $#commands )); then
    _describe command commands
  else
    _files
  fi
}}
if [[ $funcstack[1] == _ringtrain ]]; then _ringtrain "$@"; else compdef _ringtrain ringtrain; fi
)",
                     pattern_of(commands), cases);
}

}  // namespace

void add_completion_command(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand(
      "completion", "Print a script that completes commands and options in a shell");
  command.add_option("shell", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command.callback([shell, &app] {
    fmt::print("{}", *shell == "zsh" ? zsh_completion(app) : bash_completion(app));
  });
}

}  // namespace ringtrain::launcher
