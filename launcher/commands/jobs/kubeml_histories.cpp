// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "launcher/commands/jobs/kubeml_verbs.hpp"

namespace ringtrain::launcher {
namespace {

using nlohmann::ordered_json;

std::string path_of(const std::string& id) {
  return "/history/" + name_in_path(id, fmt::format("there is no history of '{}'", id));
}

ordered_json last_of(const ordered_json& list) {
  return list.is_array() && !list.empty() ? list.back() : ordered_json();
}

ordered_json mean_of(const ordered_json& list) {
  if (!list.is_array() || list.empty()) return nullptr;
  double sum = 0;
  for (const auto& one : list) sum += one.get<double>();
  return sum / static_cast<double>(list.size());
}

std::vector<std::string> row_of(const ordered_json& history) {
  const ordered_json& task = history.at("task");
  const ordered_json& options = task.at("options");
  const ordered_json& data = history.at("data");
  return {history.value("id", ""),
          task.value("model_type", ""),
          task.value("dataset", ""),
          print_number(task["epochs"]),
          print_number(task["batch_size"]),
          print_number(task["lr"]),
          print_number(mean_of(data["parallelism"])),
          print_number(options["k"]),
          options.value("static_parallelism", false) ? "true" : "false",
          print_number(last_of(data["accuracy"])),
          print_number(last_of(data["validation_loss"])),
          print_number(last_of(data["epoch_duration"]))};
}

void list_histories(KubemlServer& server) {
  std::vector<std::vector<std::string>> rows = {{"NAME", "MODEL", "DATASET", "EPOCHS", "BATCH",
                                                 "LR", "PARALLELISM", "K", "STATIC", "ACCURACY",
                                                 "LOSS", "TIME (s)"}};
  for (const auto& one : server.list("/history")) rows.push_back(row_of(one));
  print_table(rows);
}

}  // namespace

void add_history_verbs(CLI::App& app, KubemlServer& server) {
  CLI::App* const history = app.add_subcommand("history", "Show figures of tasks that have ended");
  history->require_subcommand(1);
  const auto id = std::make_shared<std::string>();
  const auto add = [&](const char* verb, const char* text) {
    CLI::App* const command = history->add_subcommand(verb, text);
    command->add_option("--id,--network", *id, "Id of the task")->required();
    return command;
  };
  add("get", "Print the figures of a task as JSON")->callback([id, &server] {
    const auto json = ordered_json::parse(server.ask("GET", path_of(*id)));
    fmt::print("{}\n", json.dump(2));
  });
  add("delete", "Forget the figures of a task; its weights stay")->callback([id, &server] {
    server.ask("DELETE", path_of(*id));
    fmt::print("History of {} deleted\n", *id);
  });
  history->add_subcommand("list", "List the tasks with their last figures")->callback([&server] {
    list_histories(server);
  });
  history->add_subcommand("prune", "Forget the figures of all tasks")->callback([&server] {
    if (!is_confirmed("Delete the history of all tasks?")) return;
    server.ask("DELETE", "/history");
    fmt::print("Histories deleted\n");
  });
}

}  // namespace ringtrain::launcher
