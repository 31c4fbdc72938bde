// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "launcher/commands/jobs/kubeml_verbs.hpp"

namespace ringtrain::launcher {
namespace {

std::string path_of(const std::string& name) {
  return "/function/" + name_in_path(name, fmt::format("the function '{}' does not exist", name));
}

void list_functions(KubemlServer& server) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ENVIRONMENT", "CONCURRENCY", "TIMEOUT", "CREATED"}};
  for (const auto& one : server.list("/function")) {
    rows.push_back({one.value("name", ""), one.value("environment", ""),
                    print_number(one["concurrency"]), print_number(one["timeout"]),
                    one.value("created", "")});
  }
  print_table(rows);
}

}  // namespace

void add_function_verbs(CLI::App& app, KubemlServer& server) {
  CLI::App* const function = app.add_subcommand("function", "Make, change and show functions");
  function->alias("fn");
  function->require_subcommand(1);
  struct Options {
    std::string name, code;
  };
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* verb, const char* text, bool has_code) {
    CLI::App* const command = function->add_subcommand(verb, text);
    command->add_option("--name", options->name, "Name of the function")->required();
    if (has_code) command->add_option("--code", options->code, "Its Python file")->required();
    return command;
  };
  add("create", "Make a function of a Python file", true)->callback([options, &server] {
    server.ask("POST", path_of(options->name), read_file(options->code), "text/x-python");
    fmt::print("Function '{}' created\n", options->name);
  });
  add("update", "Change the code of a function", true)->callback([options, &server] {
    server.ask("PUT", path_of(options->name), read_file(options->code), "text/x-python");
    fmt::print("Function '{}' updated\n", options->name);
  });
  add("delete", "Delete a function", false)->callback([options, &server] {
    server.ask("DELETE", path_of(options->name));
    fmt::print("Function '{}' deleted\n", options->name);
  });
  function->add_subcommand("list", "List the functions")->callback([&server] {
    list_functions(server);
  });
}

}  // namespace ringtrain::launcher
