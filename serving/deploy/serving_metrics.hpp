// SPDX-License-Identifier: Apache-2.0
// Figures of a model server for Prometheus (docs/reference/serving-api.md lists them).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "serving/deploy/batcher.hpp"
#include "serving/deploy/deployments.hpp"
#include "tracking/metrics_text.hpp"

namespace ringtrain::serving {

// Thread: any.
class ServingMetrics {
 public:
  // Counts an answer of a model, and the seconds since its request was read.
  void answered(const ServedModel& model, int code, double seconds);
  // Adds the times and sizes of a request that was computed.
  void computed(const ServedModel& model, uint32_t rows, const BatchResult& result);
  // Counts a request that was not taken. reason: "queue_full", "deadline" or "bad_request".
  void rejected(const ServedModel& model, const char* reason);

  // Returns all as text, with the state of the deployments. Thread: the server's.
  std::string text(const std::map<std::string, Deployment>& deployments) const;

 private:
  using Labels = std::pair<std::string, std::string>;  // model, version
  struct Times {
    tracking::Histogram request{kSeconds};
    tracking::Histogram queue{kSeconds};
    tracking::Histogram compute{kSeconds};
    tracking::Histogram batch_rows{kRows};
    uint64_t rows = 0;
  };
  static const std::vector<double> kSeconds;
  static const std::vector<double> kRows;

  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, uint64_t> answers_;
  std::map<std::pair<std::string, std::string>, uint64_t> rejected_;  // model, reason
  std::map<Labels, Times> times_;
};

}  // namespace ringtrain::serving
