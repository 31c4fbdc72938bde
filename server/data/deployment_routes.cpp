// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "server/data/data_routes.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

const std::string kAll = "/api/v1/deployments";
const std::string kOne = "/api/v1/deployments/{name}";

std::string text_in(const ordered_json& body, const char* key, const std::string& none) {
  const auto found = body.find(key);
  if (found == body.end()) return none;
  if (!found->is_string()) throw Problem(422, std::string(key) + ": must be a text");
  return found->get<std::string>();
}

net::Answer put(Deployments& deployments, const Call& call) {
  const ordered_json body = call.json_body();
  const std::string model = text_in(body, "model", "");
  if (model.empty()) {
    throw Problem(422, "the body must be {\"model\": NAME, \"version\": \"latest\"}");
  }
  return json_answer(deployments.put(call.path.at("name"), model,
                                     text_in(body, "version", "latest"), call.caller.name),
                     202);
}

}  // namespace

void add_deployment_routes(Routes& routes, Deployments& deployments) {
  routes.push_back({.method = "GET",
                    .path = kAll,
                    .operation = "listDeployments",
                    .summary = "List the models that answer requests, with their addresses",
                    .answer = "deployments",
                    .run = [&deployments](const Call&) {
                      return json_answer({{"deployments", deployments.list()}});
                    }});
  routes.push_back({.method = "GET",
                    .path = kOne,
                    .operation = "getDeployment",
                    .summary =
                        "Show a deployment: its version, address, and state Starting, Ready, "
                        "Changing or Failed",
                    .answer = "The deployment",
                    .run = [&deployments](const Call& call) {
                      return json_answer(deployments.get(call.path.at("name")));
                    }});
  routes.push_back({.method = "PUT",
                    .path = kOne,
                    .operation = "deployModel",
                    .summary = "Serve a version of a model, as {\"model\": NAME, \"version\": "
                               "\"production\"}, in place of what the deployment serves now",
                    .access = Access::submit,
                    .body = "DeploymentRequest",
                    .answer = "The deployment",
                    .success = 202,
                    .run = [&deployments](const Call& call) { return put(deployments, call); }});
  routes.push_back({.method = "DELETE",
                    .path = kOne,
                    .operation = "deleteDeployment",
                    .summary = "Stop a deployment; its model stays",
                    .access = Access::submit,
                    .success = 204,
                    .run = [&deployments](const Call& call) {
                      deployments.remove(call.path.at("name"));
                      return net::Answer{.status = 204};
                    }});
}

}  // namespace ringtrain::server
