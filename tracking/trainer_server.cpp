// SPDX-License-Identifier: Apache-2.0
#include "tracking/trainer_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"

namespace ringtrain::tracking {
namespace {

using nlohmann::ordered_json;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int percentage(const JobFigures& figures) {
  if (figures.is_finished) return 100;
  if (figures.steps <= 0) return 0;
  const auto done = static_cast<int>(100 * figures.step / figures.steps);
  return std::clamp(done, 0, 99);  // the model is not written yet
}

ordered_json metrics_of(const JobFigures& figures) {
  ordered_json metrics = ordered_json::array();
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value && std::isfinite(*value)) {
      metrics.push_back({{"name", name}, {"value", fmt::format("{:.6g}", *value)}});
    }
  };
  add("loss", figures.loss ? figures.loss : figures.train_loss);
  add("test_loss", figures.test_loss);
  add("test_accuracy", figures.test_accuracy);
  add("samples_per_second", figures.samples_per_second);
  return metrics;
}

}  // namespace

std::optional<TrainerServer> trainer_from_environment() {
  TrainerServer server{.url = variable("KUBEFLOW_TRAINER_SERVER_URL"),
                       .authorities = variable("KUBEFLOW_TRAINER_SERVER_CA_CERT"),
                       .token = variable("KUBEFLOW_TRAINER_SERVER_TOKEN")};
  if (server.url.empty()) return std::nullopt;
  return server;
}

std::string trainer_status(const JobFigures& figures, Time now) {
  ordered_json status = {{"progressPercentage", percentage(figures)}};
  if (figures.seconds_left && std::isfinite(*figures.seconds_left)) {
    status["estimatedRemainingSeconds"] =
        static_cast<int64_t>(std::clamp(*figures.seconds_left, 0.0, 2147483647.0));
  }
  if (const ordered_json metrics = metrics_of(figures); !metrics.empty()) {
    status["metrics"] = metrics;
  }
  status["lastUpdatedTime"] = print_time(now);
  return ordered_json{{"trainerStatus", status}}.dump();
}

bool post_trainer_status(net::HttpClient& http, const TrainerServer& server,
                         const std::string& body) {
  net::HttpRequest request{.method = "POST",
                           .url = server.url,
                           .headers = {"Content-Type: application/json"},
                           .body = body,
                           .timeout = std::chrono::seconds(10)};
  if (!server.authorities.empty()) request.tls.authorities = read_file(server.authorities);
  if (!server.token.empty()) {
    request.headers.push_back("Authorization: Bearer " +
                              std::string(trimmed(read_file(server.token))));
  }
  const long status = http.perform(request).status;
  return status < 400 || status >= 500 || status == 429 || status == 401;
}

}  // namespace ringtrain::tracking
