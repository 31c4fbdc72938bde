// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/routes.hpp"

#include <fmt/format.h>

#include "server/kubeml/dataset_upload.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr const char* kRoot = "/kubeml";

// Go's answers end with a newline, and so do ours.
net::Answer text(const std::string& body) {
  return {.headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = body};
}

ordered_json json_of(const StoredDataset& dataset) {
  return {{"name", dataset.name},
          {"train_set_size", dataset.train_set_size},
          {"test_set_size", dataset.test_set_size}};
}

// KubeML writes an empty list as null.
net::Answer list_answer(const ordered_json& list) {
  return json_answer(list.empty() ? ordered_json() : list);
}

net::Answer list_tasks(const Kubeml& kubeml) {
  ordered_json list = ordered_json::array();
  for (const ActiveTask& task : kubeml.tasks.active()) {
    const auto times = task.figures.find("epoch_duration");
    const bool has_times = times != task.figures.end() && times->is_array() && !times->empty();
    const ordered_json elapsed = has_times ? times->back() : ordered_json(0);
    list.push_back(
        {{"request", task.request},
         {"job",
          {{"id", task.id}, {"state", {{"parallelism", task.ranks}, {"elapsed_time", elapsed}}}}}});
  }
  return list_answer(list);
}

net::Answer list_functions(const Kubeml& kubeml) {
  ordered_json list = ordered_json::array();
  for (const StoredFunction& one : kubeml.storage.functions()) {
    list.push_back({{"name", one.name},
                    {"environment", "torch"},
                    {"concurrency", kubeml.predictions.most()},
                    {"timeout", kubeml.predictions.limit().count()},
                    {"created", one.created}});
  }
  return list_answer(list);
}

net::Answer infer(const Jobs& jobs, Kubeml& kubeml, const Call& call) {
  if (!jobs.runs_scripts()) {
    throw Problem(403,
                  "a function: is a program, and this server runs none: its owner allows them "
                  "by starting it with --allow-scripts");
  }
  const ordered_json body = call.json_body();
  const auto id = body.find("model_id");
  if (id == body.end() || !id->is_string()) throw Problem(400, "model_id: is missing");
  return kubeml.predictions.start(kubeml.tasks.output(id->get<std::string>()),
                                  kubeml.storage.datasets_folder(), call.request.body);
}

class Table {
 public:
  Table(Routes& routes, Kubeml& kubeml) : routes_(routes), kubeml_(kubeml) {}

  // Adds a row whose path is below /kubeml.
  void add(Route row) {
    row.path = kRoot + row.path;
    row.style = RouteStyle::kubeml;
    if (row.answer.empty()) row.answer = "text/plain";
    routes_.push_back(std::move(row));
  }
  void add(Route row, std::function<net::Answer(Kubeml&, const Call&)> run) {
    row.run = [&kubeml = kubeml_, run = std::move(run)](const Call& call) {
      return run(kubeml, call);
    };
    add(std::move(row));
  }

 private:
  Routes& routes_;
  Kubeml& kubeml_;
};

void add_tasks(Table& table, const Jobs& jobs) {
  table.add({.method = "POST",
             .path = "/train",
             .operation = "kubemlTrain",
             .summary = "KubeML: start a train task; answers its id",
             .access = Access::submit,
             .body = "application/json"},
            [](Kubeml& kubeml, const Call& call) {
              return text(kubeml.tasks.start(call.request.body, call.caller.name));
            });
  table.add({.method = "POST",
             .path = "/infer",
             .operation = "kubemlInfer",
             .summary = "KubeML: predict with the weights of a task that has ended",
             .access = Access::submit,
             .body = "application/json",
             .answer = "predictions"},
            [&jobs](Kubeml& kubeml, const Call& call) { return infer(jobs, kubeml, call); });
  table.add({.method = "GET",
             .path = "/tasks",
             .operation = "kubemlTasks",
             .summary = "KubeML: tasks that have not ended, or null",
             .answer = "request, job"},
            [](Kubeml& kubeml, const Call&) { return list_tasks(kubeml); });
  table.add({.method = "DELETE",
             .path = "/tasks/{id}",
             .operation = "kubemlStop",
             .summary = "KubeML: end a task after its epoch",
             .access = Access::submit},
            [](Kubeml& kubeml, const Call& call) {
              kubeml.tasks.stop(call.path.at("id"), call.caller.name);
              return text("");
            });
}

void add_probes(Table& table) {
  table.add({.method = "GET",
             .path = "/health",
             .operation = "kubemlHealth",
             .summary = "KubeML: whether the server lives",
             .access = Access::open},
            [](Kubeml&, const Call&) { return text(""); });
  table.add({.method = "GET",
             .path = "/metrics",
             .operation = "kubemlMetrics",
             .summary = "KubeML: its figures, which /metrics has as well"},
            [](Kubeml& kubeml, const Call&) {
              tracking::MetricsText figures;
              add_kubeml(figures, kubeml);
              net::Answer answer = text(figures.take());
              answer.headers = {{"Content-Type", tracking::kMetricsType}};
              return answer;
            });
}

void add_histories(Table& table) {
  table.add({.method = "GET",
             .path = "/history/{id}",
             .operation = "kubemlHistory",
             .summary = "KubeML: figures of a task that has ended",
             .answer = "id, task, data"},
            [](Kubeml& kubeml, const Call& call) {
              return json_answer(kubeml.tasks.history(call.path.at("id")));
            });
  table.add({.method = "GET",
             .path = "/history",
             .operation = "kubemlHistories",
             .summary = "KubeML: figures of all of them, or null",
             .answer = "id, task, data"},
            [](Kubeml& kubeml, const Call&) { return json_answer(kubeml.tasks.histories()); });
  table.add({.method = "DELETE",
             .path = "/history/{id}",
             .operation = "kubemlForget",
             .summary = "KubeML: forget a task's figures; its job and weights stay",
             .access = Access::submit},
            [](Kubeml& kubeml, const Call& call) {
              kubeml.tasks.forget_history(call.path.at("id"));
              return text("");
            });
  table.add({.method = "DELETE",
             .path = "/history",
             .operation = "kubemlForgetAll",
             .summary = "KubeML: forget the figures of all tasks",
             .access = Access::submit},
            [](Kubeml& kubeml, const Call&) {
              kubeml.tasks.forget_histories();
              return text("");
            });
}

void add_datasets(Table& table, Uploads& uploads, KubemlStorage& storage) {
  const char* const sizes = "name, train_set_size, test_set_size";
  table.add({.method = "GET",
             .path = "/dataset/{name}",
             .operation = "kubemlDataset",
             .summary = "KubeML: a dataset's sizes",
             .answer = sizes},
            [](Kubeml& kubeml, const Call& call) {
              try {
                return json_answer(json_of(kubeml.storage.dataset(call.path.at("name"))));
              } catch (const Problem& problem) {  // of the controller: as text
                throw Problem(problem.status(), problem.detail());
              }
            });
  table.add({.method = "GET",
             .path = "/dataset",
             .operation = "kubemlDatasets",
             .summary = "KubeML: all datasets, or null",
             .answer = sizes},
            [](Kubeml& kubeml, const Call&) {
              ordered_json list = ordered_json::array();
              for (const StoredDataset& one : kubeml.storage.datasets()) {
                list.push_back(json_of(one));
              }
              return list_answer(list);
            });
  table.add({.method = "POST",
             .path = "/dataset/{name}",
             .operation = "kubemlUpload",
             .summary = "KubeML: upload a dataset, a form with the .npy files x-train, y-train, "
                        "x-test and y-test",
             .access = Access::submit,
             .body = "multipart/form-data",
             .answer = "result",
             .receive = [&storage, &uploads](const Call& call) {
               return receive_dataset(storage, uploads, call);
             }});
  table.add({.method = "DELETE",
             .path = "/dataset/{name}",
             .operation = "kubemlDeleteDataset",
             .summary = "KubeML: delete a dataset",
             .access = Access::submit,
             .answer = "result"},
            [](Kubeml& kubeml, const Call& call) {
              kubeml.storage.remove_dataset(call.path.at("name"));
              return json_answer({{"result", "Dataset deleted"}});
            });
}

void add_functions(Table& table) {
  table.add({.method = "GET",
             .path = "/function",
             .operation = "kubemlFunctions",
             .summary = "KubeML: all functions, or null",
             .answer = "name, environment, concurrency, timeout, created"},
            [](Kubeml& kubeml, const Call&) { return list_functions(kubeml); });
  const auto put = [&](const char* method, const char* operation, const char* summary,
                       bool is_new) {
    table.add({.method = method,
               .path = "/function/{name}",
               .operation = operation,
               .summary = summary,
               .access = Access::submit,
               .body = "text/x-python"},
              [is_new](Kubeml& kubeml, const Call& call) {
                kubeml.storage.put_function(call.path.at("name"), call.request.body, is_new);
                return text("");
              });
  };
  put("POST", "kubemlCreateFunction", "KubeML: make a function; the body is its Python file", true);
  put("PUT", "kubemlUpdateFunction", "KubeML: change a function's code", false);
  table.add({.method = "DELETE",
             .path = "/function/{name}",
             .operation = "kubemlDeleteFunction",
             .summary = "KubeML: delete a function",
             .access = Access::submit},
            [](Kubeml& kubeml, const Call& call) {
              kubeml.storage.remove_function(call.path.at("name"));
              return text("");
            });
}

}  // namespace

void add_kubeml_routes(Routes& routes, Jobs& jobs, Uploads& uploads, Kubeml& kubeml) {
  Table table(routes, kubeml);
  add_tasks(table, jobs);
  add_probes(table);
  add_histories(table);
  add_datasets(table, uploads, kubeml.storage);
  add_functions(table);
}

}  // namespace ringtrain::server
