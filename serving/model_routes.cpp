// SPDX-License-Identifier: Apache-2.0
// The tables of ModelServer's routes.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/embedded_file.hpp"
#include "serving/model_server.hpp"
#include "serving/protocol/infer_answer.hpp"
#include "serving/protocol/refusal.hpp"
#include "serving/web_files.hpp"

namespace ringtrain::serving {
namespace {

constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

net::Answer web_file(const ModelCall& call, std::string_view name) {
  const auto files = web_files();
  const auto file = std::find_if(files.begin(), files.end(),
                                 [&](const net::EmbeddedFile& one) { return one.name == name; });
  if (file == files.end()) throw Refusal(404, "there is no such page");
  net::Answer answer = net::embedded_file_answer(call.request, *file, kPagePolicy);
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return answer;
}

// Returns the description of each model for the page.
std::string models_json(const std::map<std::string, Deployment>& all) {
  auto models = nlohmann::ordered_json::array();
  for (const auto& [name, deployment] : all) {
    models.push_back(nlohmann::ordered_json::parse(metadata_json(deployment.current->model)));
  }
  return nlohmann::ordered_json{{"models", models}}.dump();
}

}  // namespace

void ModelServer::add_health_routes() {
  const auto add = [&](const char* path, Run run) {
    routes_.push_back({.method = "GET", .path = path, .run = std::move(run)});
  };
  const auto is_live = [](ModelCall&) { return json_answer("{\"live\":true}"); };
  // A client looks at the status; some look for one of the words.
  const auto is_ready = [this](ModelCall&) {
    const char* const word = *draining_ ? "false" : "true";
    return json_answer(fmt::format("{{\"ready\":{},\"live\":true}}", word), *draining_ ? 503 : 200);
  };
  add("/healthz", is_live);
  add("/readyz", is_ready);
  add("/v2/health/live", is_live);
  add("/v2/health/ready", is_ready);
  add("/metrics", [this](ModelCall&) -> net::Answer {
    return {.headers = {{"Content-Type", tracking::kMetricsType}},
            .body = metrics_->text(deployments_.all())};
  });
}

void ModelServer::add_protocol_routes() {
  const auto add = [&](const char* method, const char* path, Run run) {
    routes_.push_back({.method = method, .path = path, .run = std::move(run)});
  };
  const auto describe = [this](ModelCall& call) {
    const std::string version = call.path.contains("version") ? call.path.at("version") : "";
    if (version.empty()) {
      return json_answer(metadata_json(deployments_.find(call.path.at("model")).current->model));
    }
    return json_answer(metadata_json(deployments_.choose(call.path.at("model"), version).model));
  };
  const auto is_ready = [this](ModelCall& call) {
    deployments_.find(call.path.at("model"));
    if (call.path.contains("version"))
      deployments_.choose(call.path.at("model"), call.path.at("version"));
    return json_answer(fmt::format("{{\"name\":{},\"ready\":{}}}", json_text(call.path.at("model")),
                                   *draining_ ? "false" : "true"),
                       *draining_ ? 503 : 200);
  };
  add("GET", "/v2", [](ModelCall&) {
    return json_answer("{\"name\":\"ringtrain\",\"version\":\"" RINGTRAIN_VERSION
                       "\",\"extensions\":[\"binary_tensor_data\"]}");
  });
  add("GET", "/v2/models/{model}", describe);
  add("GET", "/v2/models/{model}/versions/{version}", describe);
  add("GET", "/v2/models/{model}/ready", is_ready);
  add("GET", "/v2/models/{model}/versions/{version}/ready", is_ready);
  add("POST", "/v2/models/{model}/infer", [this](ModelCall& call) { return infer(call, ""); });
  add("POST", "/v2/models/{model}/versions/{version}/infer",
      [this](ModelCall& call) { return infer(call, call.path.at("version")); });
  add("GET", "/v1/models", [this](ModelCall&) {
    auto names = nlohmann::json::array();
    for (const auto& [name, deployment] : deployments_.all()) names.push_back(name);
    return json_answer(nlohmann::json{{"models", names}}.dump());
  });
  add("GET", "/v1/models/{model}", is_ready);
  add("POST", "/v1/models/{model}:predict",
      [this](ModelCall& call) { return predict_instances(call); });
  add("POST", "/predict", [this](ModelCall& call) { return predict_image(call); });
  add("POST", "/upload", [this](ModelCall& call) { return predict_upload(call); });
}

void ModelServer::add_page_routes() {
  const auto add = [&](const char* path, Run run) {
    routes_.push_back({.method = "GET", .path = path, .run = std::move(run)});
  };
  add("/", [](ModelCall& call) { return web_file(call, "index.html"); });
  add("/page/models", [this](ModelCall&) { return json_answer(models_json(deployments_.all())); });
  add("/page/{file}", [](ModelCall& call) { return web_file(call, call.path.at("file")); });
}

}  // namespace ringtrain::serving
