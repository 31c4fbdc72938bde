// SPDX-License-Identifier: Apache-2.0
// The part of MLflow's REST API (/api/2.0/mlflow) that pushes a run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/http_client.hpp"

namespace ringtrain::tracking {

// A tracking server and where to push to, as MLflow's own variables say.
struct MlflowServer {
  std::string url;  // http or https, without a slash at the end
  std::string token = {};
  std::string user = {};
  std::string password = {};
  std::string authorities = {};  // PEM; empty: the system's
  bool verify = true;
  std::string experiment_id = {};  // empty: by name
  std::string experiment_name = "Default";
  std::string run_id = {};  // of a run that exists; empty: a new one
};

// Returns nothing without MLFLOW_TRACKING_URI. Where its scheme is not http or https, as of files
// that MLflow writes itself, returns nothing and sets `note` to a line for the user.
// Throws a job error where MLFLOW_TRACKING_SERVER_CERT_PATH cannot be read.
std::optional<MlflowServer> mlflow_from_environment(std::string& note);

// The server refuses a request for good.
class MlflowRefused : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct MlflowMetric {
  std::string key;
  double value = 0;
  int64_t timestamp = 0;  // milliseconds
  int64_t step = 0;
};

struct MlflowRun {
  std::string id;
  std::string artifacts = {};  // its artifact_uri
};

// Every call throws MlflowRefused, or net::HttpError where another try may succeed.
class MlflowClient {
 public:
  static constexpr size_t kMaxMetrics = 1000;  // in a call
  static constexpr size_t kMaxParameters = 100;

  explicit MlflowClient(MlflowServer server);

  // Returns the run of the server's run_id, or a new one.
  MlflowRun open_run(const std::string& name, int64_t start);
  void log_metrics(const std::string& run, const std::vector<MlflowMetric>& metrics);
  void log_parameters(const std::string& run, const std::map<std::string, std::string>& values);
  // status: RUNNING, FINISHED, FAILED or KILLED. end: milliseconds; 0: it has not ended.
  void update_run(const std::string& run, const std::string& status, int64_t end);
  // Uploads through the server; does nothing where it does not pass artifacts on.
  void put_artifact(const MlflowRun& run, const std::string& name, const std::string& bytes);

 private:
  std::string call(const std::string& method, const std::string& path, const std::string& body,
                   bool may_be_missing = false);
  std::string experiment();

  const MlflowServer server_;
  net::HttpClient http_;
};

}  // namespace ringtrain::tracking
