// SPDX-License-Identifier: Apache-2.0
#include "base/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "base/terminal/printable.hpp"
#include "base/text.hpp"

namespace ringtrain {
namespace {

// Returns "N" of "N:INT in [1 - 65536]" and "{first,last}" of "TEXT:{first,last}": CLI11 adds a
// colon to a type, and what its check says.
std::string type_of(const std::string& type) {
  if (const size_t words = type.find(":{"); words != std::string::npos) {
    return type.substr(words + 1);
  }
  size_t end = type.size();
  for (const std::string_view check : {":INT in", ":UINT in", ":FLOAT", ":POSITIVE", ":SIZE"}) {
    end = std::min(end, type.find(check));
  }
  return type.substr(0, end);
}

// CLI11's help, with lines as long as the terminal is wide and types in plain words.
class Help : public CLI::Formatter {
 public:
  explicit Help(size_t columns) : columns_(columns) {
    label("Positionals", "Arguments");
    label("INT", "N");
    label("UINT", "N");
    label("FLOAT", "NUMBER");
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return entry(make_option_name(option, is_positional) + make_option_opts(option),
                 make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return entry(command->get_display_name(true), command->get_description());
  }
  std::string make_description(const CLI::App* command) const override {
    return wrapped(command->get_description(), columns_) + "\n\n";
  }
  std::string make_usage(const CLI::App* command, std::string name) const override {
    const std::string usage = CLI::Formatter::make_usage(command, std::move(name));
    return wrapped(trimmed(usage), columns_, 2) + "\n";
  }
  std::string make_footer(const CLI::App* command) const override {
    const std::string footer = command->get_footer();
    return footer.empty() ? "" : wrapped(footer, columns_) + "\n";
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0) return "";  // a flag
    const std::string type = type_of(option->get_type_name());
    std::string text = option->get_positional() && type == "TEXT" ? "" : " " + get_label(type);
    if (option->get_required() && !option->get_positional()) text += " (required)";
    return text;
  }

  // CLI11 has an empty line behind each group but the last, and one before each.
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    const bool is_first = is_positional || group == get_label("Options");
    const std::string text = CLI::Formatter::make_group(std::move(group), is_positional, options);
    return is_first ? text : text.substr(1);
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string& text = option->get_description();
    const std::string value = option->get_default_str();
    return value.empty() ? text : fmt::format("{} (default: {})", text, value);
  }

 private:
  std::string entry(const std::string& name, const std::string& description) const {
    std::string left = fmt::format("  {:<{}}", name, column_width_ - 2);
    if (name.size() + 3 > column_width_) left += "\n" + std::string(column_width_, ' ');
    const size_t right = std::max(columns_, column_width_ + 20);
    return left + wrapped(description, right, column_width_) + "\n";
  }

  size_t columns_;
};

// A command on the command line, with its words: "ringtrain dataset import".
struct Level {
  const CLI::App* command;
  std::string words;
};

std::vector<Level> levels_of(const CLI::App& program) {
  std::vector<Level> levels = {{&program, program.get_name()}};
  for (;;) {
    const auto below = levels.back().command->get_subcommands();
    if (below.empty()) return levels;
    levels.push_back({below.back(), levels.back().words + " " + below.back()->get_name()});
  }
}

// Returns the words on the command line that a command did not take: options, or all others.
std::vector<std::string> left_over(const CLI::App& command, bool options) {
  std::vector<std::string> found;
  for (const std::string& word : command.remaining()) {
    if (word == "--") break;
    if ((word.size() > 1 && word[0] == '-') == options) found.push_back(word);
  }
  return found;
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* below : command.get_subcommands({})) names.push_back(below->get_name());
  return names;
}

std::string help_of(const Level& level) { return fmt::format("'{} --help'", level.words); }

// Returns the option that was probably meant by a word with or without its dashes; or nothing.
std::string closest_option(const CLI::App& command, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  const std::string name = closest(trimmed(word, "-"), names);
  return name.empty() ? "" : "--" + name;
}

std::string unknown_option(const std::vector<Level>& levels, const Level& level,
                           const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  std::string text = fmt::format("{}: unknown option {}", level.words, name);
  const Level& last = levels.back();
  if (level.command != last.command && last.command->get_option_no_throw(name) != nullptr) {
    return text + fmt::format(": it belongs behind '{}'", last.words);
  }
  const std::string meant = closest_option(*level.command, name);
  if (!meant.empty()) return text + fmt::format(", did you mean {}?", meant);
  if (name.starts_with("--") && level.command->get_option_no_throw("--set") != nullptr) {
    std::string key = name.substr(2);
    std::replace(key.begin(), key.end(), '-', '_');
    text += fmt::format("; keys of the job are set by --set, as in --set {}=VALUE", key);
  }
  return text + fmt::format("; {} lists all", help_of(level));
}

// Returns the words of a command of this name, wherever it is below `command`.
std::string find_command(const CLI::App& command, const std::string& words,
                         const std::string& name) {
  for (const CLI::App* below : command.get_subcommands({})) {
    std::string here = words + " " + below->get_name();
    if (below->get_name() == name) return here;
    if (std::string found = find_command(*below, here, name); !found.empty()) return found;
  }
  return "";
}

// Returns the command that a file belongs to which stands where a command is missing: `run` for a
// job file, or the one that is called as the file's name ends.
std::string command_for_file(const Level& level, const std::vector<std::string>& names,
                             const std::string& word) {
  const std::string ending = word.substr(word.rfind('.') + 1);
  const std::string name = ending == "yaml" || ending == "yml" ? "run" : ending;
  const bool known = word.find('.') != std::string::npos &&
                     std::find(names.begin(), names.end(), name) != names.end();
  return known ? fmt::format("{} {} {}", level.words, name, word) : "";
}

std::string unknown_command(const std::vector<Level>& levels, const std::string& word) {
  const Level& level = levels.back();
  const std::string text = fmt::format("{}: unknown command '{}'", level.words, word);
  const auto names = commands_of(*level.command);
  std::string meant = find_command(*levels[0].command, levels[0].words, word);
  if (meant.empty()) meant = command_for_file(level, names, word);
  if (meant.empty()) {
    if (const std::string name = closest(word, names); !name.empty()) {
      meant = level.words + " " + name;
    } else if (const std::string option = closest_option(*level.command, word); !option.empty()) {
      meant = level.words + " " + option;
    }
  }
  if (!meant.empty()) return text + fmt::format(", did you mean '{}'?", meant);
  return text + fmt::format(": it is none of {}; {} describes them", fmt::join(names, ", "),
                            help_of(level));
}

// Returns the line for arguments that a program cannot take.
std::string refusal(const CLI::App& program, const CLI::Error& error) {
  const auto levels = levels_of(program);
  // If a command is missing, the words that follow are not its options.
  if (const Level& last = levels.back(); !commands_of(*last.command).empty()) {
    const auto rest = last.command->remaining();
    if (!rest.empty() && !rest.front().starts_with('-')) return unknown_command(levels, rest[0]);
  }
  for (const Level& level : levels) {
    const auto options = left_over(*level.command, true);
    if (!options.empty()) return unknown_option(levels, level, options.front());
  }
  const Level& last = levels.back();
  const auto commands = commands_of(*last.command);
  const auto words = left_over(*last.command, false);
  if (!words.empty() && !commands.empty()) return unknown_command(levels, words.front());
  const auto code = static_cast<CLI::ExitCodes>(error.get_exit_code());
  if (!words.empty() && code == CLI::ExitCodes::ExtrasError) {
    return fmt::format("{}: unexpected argument '{}'; {} shows what it takes", last.words,
                       words.front(), help_of(last));
  }
  if (!commands.empty() && code == CLI::ExitCodes::RequiredError) {
    return fmt::format("{}: a command is missing, one of {}; {} describes them", last.words,
                       fmt::join(commands, ", "), help_of(last));
  }
  return fmt::format("{}: {}; {} shows what it takes", last.words, error.what(), help_of(last));
}

}  // namespace

void set_messages(CLI::App& program) {
  program.formatter(std::make_shared<Help>(terminal_columns(STDOUT_FILENO)));
  program.failure_message(
      [](const CLI::App* app, const CLI::Error& error) { return refusal(*app, error) + "\n"; });
}

std::string from_mpirun_spelling(const std::string& word) {
  const size_t end = std::min(word.find('='), word.size());
  const std::string name = word.substr(0, end);
  if (name == "-np" || name == "--np")
    return end == word.size() ? "-n" : "-n" + word.substr(end + 1);
  if (name == "-hostfile" || name == "-machinefile" || name == "--machinefile") {
    return "--hostfile" + word.substr(end);
  }
  return word;
}

void complain(const std::string& text) {
  std::string shown;
  for (std::string_view rest = text;;) {
    const size_t newline = rest.find('\n');
    shown += printable(rest.substr(0, newline)) + "\n";
    if (newline == std::string_view::npos) break;
    rest.remove_prefix(newline + 1);
  }
  std::fputs(("ringtrain: " + shown).c_str(), stderr);
}

int exit_code_of(const CLI::App& program, const CLI::ParseError& error) {
  return program.exit(error) == 0 ? 0 : kExitBadJob;
}

}  // namespace ringtrain
