// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/commands/jobs/kubeml_verbs.hpp"
#include "server/client/watch.hpp"

namespace ringtrain::launcher {
namespace {

using nlohmann::ordered_json;

struct TrainOptions {
  std::string dataset = {};
  std::string function = {};
  int64_t epochs = 1;
  int64_t batch = 64;
  double lr = 0.01;
  int64_t validate_every = 0;
  int64_t parallelism = 2;
  bool is_static = false;
  int64_t k = -1;
  bool sparse_average = false;
  double goal_accuracy = 100;
};

bool has(const ordered_json& list, const std::string& name) {
  for (const auto& one : list) {
    if (one.value("name", "") == name) return true;
  }
  return false;
}

// Finds everything that is wrong with a task, to be shown at once.
void check(const TrainOptions& options, KubemlServer& server) {
  std::string wrong;
  const auto add = [&](const std::string& text) { wrong += (wrong.empty() ? "" : "; ") + text; };
  if (options.batch <= 0 || options.batch > 1024) {
    add(fmt::format("--batch: must be 1 to 1024, found {}", options.batch));
  }
  if (options.epochs <= 0) add(fmt::format("--epochs: must be above 0, found {}", options.epochs));
  if (!(options.lr > 0)) add(fmt::format("--lr: must be above 0, found {}", options.lr));
  if (!has(server.list("/dataset"), options.dataset)) {
    add(fmt::format("--dataset: '{}' does not exist", options.dataset));
  }
  if (!has(server.list("/function"), options.function)) {
    add(fmt::format("--function: '{}' does not exist", options.function));
  }
  if (!wrong.empty()) throw job_error(wrong);
}

void train(const TrainOptions& options, KubemlServer& server) {
  check(options, server);
  const ordered_json request = {{"model_type", "example"},
                                {"batch_size", options.batch},
                                {"epochs", options.epochs},
                                {"dataset", options.dataset},
                                {"lr", options.lr},
                                {"function_name", options.function},
                                {"options",
                                 {{"default_parallelism", options.parallelism},
                                  {"static_parallelism", options.is_static},
                                  {"validate_every", options.validate_every},
                                  {"k", options.sparse_average ? -1 : options.k},
                                  {"goal_accuracy", options.goal_accuracy}}}};
  fmt::print("{}\n", server.ask("POST", "/train", request.dump()));
}

void add_train(CLI::App& app, KubemlServer& server) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* const verb = app.add_subcommand("train", "Start a train task, and print its id");
  verb->add_option("--dataset,-d", options->dataset, "Dataset to train on")->required();
  verb->add_option("--function,-f", options->function, "Function to train")->required();
  verb->add_option("--epochs,-e", options->epochs, "Epochs (default: 1)");
  verb->add_option("--batch,-b", options->batch,
                   "Samples of a batch, for each function (default: 64)");
  verb->add_option("--lr", options->lr, "Learning rate (default: 0.01)");
  verb->add_option("--validate-every", options->validate_every,
                   "Epochs between validations; 0: at the end alone (default: 0)");
  verb->add_option("--parallelism,--default-parallelism", options->parallelism,
                   "Functions, each of which is a rank (default: 2)");
  verb->add_flag("--static", options->is_static, "Keep the parallelism, as ringtrain always does");
  verb->add_option("--K", options->k,
                   "Batches between two averages; -1: one average an epoch (default: -1)");
  verb->add_flag("--sparse-avg", options->sparse_average, "One average an epoch, whatever --K is");
  verb->add_option("--goal-accuracy", options->goal_accuracy,
                   "Accuracy, in percent, at which training ends (default: 100)");
  verb->callback([options, &server] { train(*options, server); });
}

void add_infer(CLI::App& app, KubemlServer& server, int& exit_code) {
  struct Options {
    std::string network, file, function;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* const verb = app.add_subcommand("infer", "Predict with the weights of a train task");
  verb->add_option("--network,-n", options->network, "Id of the task")->required();
  verb->add_option("--datafile", options->file, "File with the data, a JSON array")->required();
  verb->add_option("--function,-f", options->function,
                   "Its function: accepted, since the task knows it");
  verb->callback([options, &server, &exit_code] {
    const auto data = ordered_json::parse(read_file(options->file), nullptr, false);
    if (!data.is_array()) {
      throw job_error(fmt::format("--datafile {}: must be a JSON array", options->file));
    }
    const std::string answer = server.ask(
        "POST", "/infer", ordered_json({{"model_id", options->network}, {"data", data}}).dump());
    fmt::print("{}", answer);
    const auto json = ordered_json::parse(answer, nullptr, false);
    if (!json.is_object() || json.contains("error")) exit_code = 1;
  });
}

void list_tasks(KubemlServer& server, bool only_ids) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "FUNCTION", "DATASET", "MODEL", "EPOCHS", "BATCH", "LR"}};
  for (const auto& task : server.list("/tasks")) {
    const ordered_json& request = task["request"];
    const std::string id = task["job"].value("id", "");
    if (only_ids) fmt::print("{}\n", id);
    rows.push_back({id, request.value("function_name", ""), request.value("dataset", ""),
                    request.value("model_type", ""), print_number(request["epochs"]),
                    print_number(request["batch_size"]), print_number(request["lr"])});
  }
  if (!only_ids) print_table(rows);
}

void add_task(CLI::App& app, KubemlServer& server) {
  CLI::App* const task = app.add_subcommand("task", "Show and stop tasks");
  task->require_subcommand(1);
  const auto is_short = std::make_shared<bool>(false);
  CLI::App* const list = task->add_subcommand("list", "List the tasks that have not ended");
  list->add_flag("--short", *is_short, "Print the ids alone");
  list->callback([is_short, &server] { list_tasks(server, *is_short); });
  const auto id = std::make_shared<std::string>();
  CLI::App* const stop = task->add_subcommand("stop", "End a task after its epoch");
  stop->add_option("--id", *id, "Id of the task")->required();
  stop->callback([id, &server] {
    server.ask("DELETE",
               "/tasks/" + name_in_path(*id, fmt::format("the task '{}' does not exist", *id)));
  });
  task->add_subcommand("prune", "Free what tasks that have ended hold")->callback([] {
    if (!is_confirmed("Delete pods and services of tasks that have ended?")) return;
    fmt::print("There are none: a task's processes end with it\n");
  });
}

}  // namespace

void add_task_verbs(CLI::App& app, KubemlServer& server, int& exit_code) {
  add_train(app, server);
  add_infer(app, server, exit_code);
  add_task(app, server);
  const auto log = std::make_shared<server::RemoteLog>();
  CLI::App* const logs = app.add_subcommand("logs", "Show the log of a task");
  logs->add_option("--id", log->name, "Id of the task")->required();
  logs->add_flag("--follow,-f", log->follow, "Show what comes, until it has ended");
  logs->callback([log, &server, &exit_code] {
    log->name = "job-" + log->name;
    exit_code = server::print_remote_log(server.remote(), *log);
  });
}

}  // namespace ringtrain::launcher
