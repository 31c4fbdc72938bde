// SPDX-License-Identifier: Apache-2.0
#include "tracking/mlflow_client.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/url.hpp"
#include "net/base64.hpp"

namespace ringtrain::tracking {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kTimeout(20);
constexpr size_t kMaxParameterLength = 6000;
constexpr const char* kApi = "/api/2.0/mlflow/";
constexpr const char* kArtifacts = "mlflow-artifacts:/";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Protocol buffers spell what JSON has no number for.
json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

std::string print(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

MlflowRun run_of(const std::string& answer) {
  const json info = json::parse(answer, nullptr, false);
  try {
    const json& run = info.at("run").at("info");
    return {run.at("run_id").get<std::string>(), run.value("artifact_uri", "")};
  } catch (const json::exception&) {
    throw MlflowRefused("its answer is none of MLflow's");
  }
}

}  // namespace

std::optional<MlflowServer> mlflow_from_environment(std::string& note) {
  MlflowServer server{.url = variable("MLFLOW_TRACKING_URI")};
  if (server.url.empty()) return std::nullopt;
  if (!server.url.starts_with("http://") && !server.url.starts_with("https://")) {
    note = fmt::format(
        "MLFLOW_TRACKING_URI={}: only http and https are pushed to: start 'mlflow server' on it "
        "for this run to be there",
        server.url);
    return std::nullopt;
  }
  while (server.url.ends_with('/')) server.url.pop_back();
  server.token = variable("MLFLOW_TRACKING_TOKEN");
  server.user = variable("MLFLOW_TRACKING_USERNAME");
  server.password = variable("MLFLOW_TRACKING_PASSWORD");
  server.verify = variable("MLFLOW_TRACKING_INSECURE_TLS") != "true";
  server.experiment_id = variable("MLFLOW_EXPERIMENT_ID");
  server.run_id = variable("MLFLOW_RUN_ID");
  if (const std::string name = variable("MLFLOW_EXPERIMENT_NAME"); !name.empty()) {
    server.experiment_name = name;
  }
  if (const std::string path = variable("MLFLOW_TRACKING_SERVER_CERT_PATH"); !path.empty()) {
    try {
      server.authorities = read_file(path);
    } catch (const Error& error) {
      throw job_error(fmt::format("MLFLOW_TRACKING_SERVER_CERT_PATH: {}", error.what()));
    }
  }
  return server;
}

MlflowClient::MlflowClient(MlflowServer server) : server_(std::move(server)) {}

// Returns the body of a success, or nothing for what is missing and may be.
std::string MlflowClient::call(const std::string& method, const std::string& path,
                               const std::string& body, bool may_be_missing) {
  net::HttpRequest request{.method = method, .url = server_.url + path, .body = body};
  if (!server_.token.empty()) {
    request.headers.push_back("Authorization: Bearer " + server_.token);
  } else if (!server_.user.empty()) {
    request.headers.push_back("Authorization: Basic " +
                              net::encode_base64(server_.user + ":" + server_.password));
  }
  const bool is_json = path.starts_with(kApi);
  request.headers.emplace_back(is_json ? "Content-Type: application/json"
                                       : "Content-Type: application/octet-stream");
  request.tls.authorities = server_.authorities;
  request.tls.verify = server_.verify;
  request.silence_timeout = kTimeout;
  if (is_json) request.timeout = kTimeout;
  const net::HttpResponse answer = http_.perform(request);
  if (net::is_success(answer)) return answer.body;
  if (answer.status == 404 && may_be_missing) return "";
  const std::string text =
      fmt::format("it answers {}: {}", answer.status, std::string_view(answer.body).substr(0, 300));
  const bool may_pass = answer.status >= 500 || answer.status == 429 || answer.status == 408;
  if (may_pass) throw net::HttpError(net::HttpFailure::other, server_.url, text);
  throw MlflowRefused(text);
}

std::string MlflowClient::experiment() {
  if (!server_.experiment_id.empty()) return server_.experiment_id;
  const std::string found = call("GET",
                                 fmt::format("{}experiments/get-by-name?experiment_name={}", kApi,
                                             percent_encoded(server_.experiment_name, false)),
                                 "", /*may_be_missing=*/true);
  if (!found.empty()) {
    const json answer = json::parse(found, nullptr, false);
    if (answer.is_object() && answer.contains("experiment")) {
      return answer["experiment"].value("experiment_id", "0");
    }
    throw MlflowRefused("its answer is none of MLflow's");
  }
  const std::string made = call("POST", std::string(kApi) + "experiments/create",
                                print({{"name", server_.experiment_name}}));
  const json answer = json::parse(made, nullptr, false);
  return answer.is_object() ? answer.value("experiment_id", "0") : "0";
}

MlflowRun MlflowClient::open_run(const std::string& name, int64_t start) {
  if (!server_.run_id.empty()) {
    return run_of(call("GET", fmt::format("{}runs/get?run_id={}", kApi, server_.run_id), ""));
  }
  const json tags = {{{"key", "mlflow.source.name"}, {"value", "ringtrain"}},
                     {{"key", "mlflow.source.type"}, {"value", "JOB"}}};
  return run_of(call("POST", std::string(kApi) + "runs/create",
                     print({{"experiment_id", experiment()},
                            {"run_name", name},
                            {"start_time", start},
                            {"tags", tags}})));
}

void MlflowClient::log_metrics(const std::string& run, const std::vector<MlflowMetric>& metrics) {
  json list = json::array();
  for (const MlflowMetric& metric : metrics) {
    list.push_back({{"key", metric.key},
                    {"value", number(metric.value)},
                    {"timestamp", metric.timestamp},
                    {"step", metric.step}});
  }
  call("POST", std::string(kApi) + "runs/log-batch", print({{"run_id", run}, {"metrics", list}}));
}

void MlflowClient::log_parameters(const std::string& run,
                                  const std::map<std::string, std::string>& values) {
  json list = json::array();
  const auto send = [&] {
    call("POST", std::string(kApi) + "runs/log-batch", print({{"run_id", run}, {"params", list}}));
    list.clear();
  };
  for (const auto& [key, value] : values) {
    list.push_back({{"key", key}, {"value", value.substr(0, kMaxParameterLength)}});
    if (list.size() == kMaxParameters) send();
  }
  if (!list.empty()) send();
}

void MlflowClient::update_run(const std::string& run, const std::string& status, int64_t end) {
  json body = {{"run_id", run}, {"status", status}};
  if (end > 0) body["end_time"] = end;
  call("POST", std::string(kApi) + "runs/update", print(body));
}

void MlflowClient::put_artifact(const MlflowRun& run, const std::string& name,
                                const std::string& bytes) {
  if (!run.artifacts.starts_with(kArtifacts) || bytes.empty()) return;
  const std::string folder = run.artifacts.substr(std::string_view(kArtifacts).size());
  call("PUT",
       fmt::format("/api/2.0/mlflow-artifacts/artifacts/{}/{}", folder,
                   percent_encoded(name, false)),
       bytes);
}

}  // namespace ringtrain::tracking
