// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/serving_metrics.hpp"

#include <utility>

namespace ringtrain::serving {
namespace {

using tracking::MetricsText;
using Type = MetricsText::Type;

}  // namespace

const std::vector<double> ServingMetrics::kSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                      0.05,   0.1,   0.25,   0.5,   1,    2.5};
const std::vector<double> ServingMetrics::kRows = {1, 2, 4, 8, 16, 32, 64, 128, 256};

void ServingMetrics::answered(const ServedModel& model, int code, double seconds) {
  const std::lock_guard lock(mutex_);
  ++answers_[{model.name, model.version, code}];
  times_[{model.name, model.version}].request.add(seconds);
}

void ServingMetrics::computed(const ServedModel& model, uint32_t rows, const BatchResult& result) {
  const std::lock_guard lock(mutex_);
  Times& times = times_[{model.name, model.version}];
  times.queue.add(result.queued_seconds);
  times.compute.add(result.computed_seconds);
  times.batch_rows.add(result.batch_rows);
  times.rows += rows;
}

void ServingMetrics::rejected(const ServedModel& model, const char* reason) {
  const std::lock_guard lock(mutex_);
  ++rejected_[{model.name, reason}];
}

std::string ServingMetrics::text(const std::map<std::string, Deployment>& deployments) const {
  const std::lock_guard lock(mutex_);
  MetricsText text;
  const auto histogram = [&](const char* name, const char* help,
                             tracking::Histogram Times::*member) {
    text.family(name, Type::histogram, help);
    for (const auto& [labels, times] : times_) {
      text.sample({{"model", labels.first}, {"version", labels.second}}, times.*member);
    }
  };
  text.family("ringtrain_inference_requests_total", Type::counter, "Answered requests.");
  for (const auto& [labels, count] : answers_) {
    const auto& [model, version, code] = labels;
    const std::string number = std::to_string(code);
    text.sample({{"model", model}, {"version", version}, {"code", number}},
                static_cast<double>(count));
  }
  text.family("ringtrain_inference_rejected_total", Type::counter,
              "Requests that were not computed, by reason.");
  for (const auto& [labels, count] : rejected_) {
    text.sample({{"model", labels.first}, {"reason", labels.second}}, static_cast<double>(count));
  }
  text.family("ringtrain_inference_rows_total", Type::counter, "Rows that were computed.");
  for (const auto& [labels, times] : times_) {
    text.sample({{"model", labels.first}, {"version", labels.second}},
                static_cast<double>(times.rows));
  }
  histogram("ringtrain_inference_request_seconds", "From a request's last byte to its answer.",
            &Times::request);
  histogram("ringtrain_inference_queue_seconds", "Time that a request waited for the model.",
            &Times::queue);
  histogram("ringtrain_inference_compute_seconds", "Time of the batches of a request.",
            &Times::compute);
  histogram("ringtrain_inference_batch_rows", "Rows of the batch that a request was part of.",
            &Times::batch_rows);
  text.family("ringtrain_inference_waiting_rows", Type::gauge,
              "Rows that are accepted and not computed.");
  for (const auto& [name, deployment] : deployments) {
    const auto sample = [&](const Version& version) {
      text.sample({{"model", name}, {"version", version.model.version}},
                  static_cast<double>(version.batcher->waiting_rows()));
    };
    sample(*deployment.current);
    if (deployment.canary) sample(*deployment.canary->version);
  }
  text.family("ringtrain_inference_share_ratio", Type::gauge,
              "Share of the requests that a version answers.");
  for (const auto& [name, deployment] : deployments) {
    const double share = deployment.canary ? deployment.canary->options.percent / 100.0 : 0;
    const auto sample = [&](const Version& version, const char* role, double value) {
      text.sample({{"model", name}, {"version", version.model.version}, {"role", role}}, value);
    };
    sample(*deployment.current, "current", 1 - share);
    if (deployment.canary) sample(*deployment.canary->version, "canary", share);
  }
  return text.take();
}

}  // namespace ringtrain::serving
