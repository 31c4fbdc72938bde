// SPDX-License-Identifier: Apache-2.0
// The routes of `ringtrain serve` (docs/reference/serving-api.md).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/http_server.hpp"
#include "serving/deploy/deployments.hpp"
#include "serving/deploy/serving_metrics.hpp"
#include "serving/protocol/infer_request.hpp"

namespace ringtrain::serving {

struct ModelServerOptions {
  RequestLimits limits;
  std::chrono::milliseconds timeout{1000};  // of a request that names none
  std::string admin_token;                  // empty: nothing can be deployed
};

// A request that a route takes.
struct ModelCall {
  net::ServedRequest& request;
  std::map<std::string, std::string> path;   // by the names in the route
  std::map<std::string, std::string> query;  // decoded
};

// Thread: the server's.
class ModelServer {
 public:
  ModelServer(Deployments& deployments, const ModelServerOptions& options);

  net::Answer answer(net::ServedRequest request);
  // From now on it is not ready, and connections end with their next answer.
  void drain() { *draining_ = true; }

 private:
  using Run = std::function<net::Answer(ModelCall& call)>;
  struct Route {
    std::string method;
    std::string path;  // "/v2/models/{model}/infer"
    Run run;
  };
  // Makes an answer of the outputs [rows, width].
  using Finish = std::function<net::Answer(const ServedModel&, const std::vector<float>& outputs)>;

  void add_health_routes();
  void add_protocol_routes();
  void add_page_routes();
  void add_deployment_routes();
  net::Answer routed(net::ServedRequest& request);

  net::Answer infer(ModelCall& call, const std::string& version);
  net::Answer predict_instances(ModelCall& call);
  net::Answer predict_image(ModelCall& call);
  net::Answer predict_upload(ModelCall& call);
  net::Answer deploy(ModelCall& call);
  // Reads the rows of a request by `read`, which may refuse them, and has them computed.
  net::Answer compute(Version& version, const net::ServedRequest& request,
                      const std::function<InputRows()>& read, Finish finish);
  std::chrono::milliseconds timeout_of(const net::ServedRequest& request) const;
  void check_admin(const net::ServedRequest& request) const;

  Deployments& deployments_;
  const ModelServerOptions options_;
  std::shared_ptr<ServingMetrics> metrics_ = std::make_shared<ServingMetrics>();
  std::vector<Route> routes_;
  std::shared_ptr<std::atomic<bool>> draining_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace ringtrain::serving
