// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/examples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "launcher/commands/all_commands.hpp"

namespace ringtrain::launcher {
namespace {

using Words = std::vector<std::string>;

// The examples at the end of a command's help.
Words examples_of(const CLI::App& command) {
  const std::string footer = command.get_footer();
  const auto at = footer.find("Examples:\n");
  if (at == std::string::npos) return {};
  std::istringstream lines(footer.substr(at));
  std::string line;
  std::getline(lines, line);
  Words examples;
  while (std::getline(lines, line)) examples.push_back(line);
  return examples;
}

void for_each_command(const CLI::App& app, const std::function<void(const CLI::App&)>& visit) {
  for (const CLI::App* command : app.get_subcommands({})) {
    visit(*command);
    for_each_command(*command, visit);
  }
}

// Parses the words after `ringtrain`, as the program does, but runs nothing: one more option, which
// no command has, is the last thing that is wrong with them. Returns the name of the command that
// they call.
std::string parsed(Words words) {
  CLI::App app("", "ringtrain");
  app.require_subcommand(1);
  int exit_code = 0;
  add_all_commands(app, words, exit_code);
  words.emplace_back("--no-command-has-this");
  std::reverse(words.begin(), words.end());
  EXPECT_THROW(app.parse(words), CLI::ExtrasError);
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  EXPECT_EQ(app.remaining(true), (Words{"--no-command-has-this"}));
  return command->get_name();
}

TEST(Examples, AreInTheHelpOfEveryCommandThatDoesSomething) {
  CLI::App app("", "ringtrain");
  Words words;
  int exit_code = 0;
  add_all_commands(app, words, exit_code);
  // These are programs of their own, whose tests are in tests/integration.
  const std::set<std::string> others = {"evaluate", "predict", "serve", "bench"};
  for_each_command(app, [&](const CLI::App& command) {
    if (!command.get_subcommands({}).empty() || others.contains(command.get_name())) return;
    EXPECT_FALSE(examples_of(command).empty()) << command.get_name();
  });
}

TEST(Examples, AreLinesThatTheCommandTakes) {
  CLI::App app("", "ringtrain");
  Words none;
  int exit_code = 0;
  add_all_commands(app, none, exit_code);
  for_each_command(app, [&](const CLI::App& command) {
    if (command.get_name() == "keep") return;  // takes its words as they are, without CLI11
    for (const std::string& line : examples_of(command)) {
      EXPECT_LE(line.size(), 80U) << line;
      const auto at = line.find("ringtrain ");
      ASSERT_NE(at, std::string::npos) << line;
      std::istringstream stream(line.substr(at + 10, line.find_first_of("|>)", at) - at - 10));
      Words words;
      for (std::string word; stream >> word;) words.push_back(word);
      EXPECT_EQ(parsed(words), command.get_name()) << line;
    }
  });
}

}  // namespace
}  // namespace ringtrain::launcher
