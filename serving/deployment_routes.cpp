// SPDX-License-Identifier: Apache-2.0
// /deployments: which versions answer, and how to change it. For holders of the token alone: a
// TorchScript file is a program.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "net/sha256.hpp"
#include "serving/model_server.hpp"
#include "serving/protocol/infer_answer.hpp"
#include "serving/protocol/json_numbers.hpp"
#include "serving/protocol/refusal.hpp"

namespace ringtrain::serving {
namespace {

using nlohmann::ordered_json;

ordered_json version_json(const Version& version) {
  ordered_json one = {{"version", version.model.version},
                      {"model", version.path},
                      {"requests", version.requests.load()},
                      {"failures", version.failures.load()},
                      {"waiting_rows", version.batcher->waiting_rows()}};
  if (version.evaluation) {
    const EvaluationFigures& figures = *version.evaluation;
    ordered_json evaluation = {{"dataset", figures.dataset},
                               {"split", figures.split},
                               {"samples", figures.samples},
                               {"loss", figures.loss}};
    if (figures.accuracy) evaluation["accuracy"] = *figures.accuracy;
    one["evaluation"] = evaluation;
  }
  return one;
}

ordered_json deployment_json(const std::string& name, const Deployment& deployment) {
  ordered_json json = {{"name", name}, {"current", version_json(*deployment.current)}};
  if (deployment.canary) {
    json["canary"] = version_json(*deployment.canary->version);
    json["canary"]["percent"] = deployment.canary->options.percent;
    json["canary"]["after"] = deployment.canary->options.after;
  }
  if (!deployment.last_canary.empty()) json["last_canary"] = deployment.last_canary;
  return json;
}

net::Answer answer_of(const ordered_json& json) {
  return json_answer(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

uint64_t number_of(const nlohmann::json& object, const char* key, uint64_t otherwise,
                   uint64_t most) {
  const auto found = object.find(key);
  if (found == object.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<uint64_t>() < 1 || found->get<uint64_t>() > most) {
    throw Refusal(422, fmt::format("{}: expected a whole number from 1 to {}, got {}", key, most,
                                   found->dump().substr(0, 40)));
  }
  return found->get<uint64_t>();
}

// The body of PUT /deployments/NAME.
struct Wish {
  std::string path;
  bool is_canary = false;
  CanaryOptions canary;
};

Wish parse_wish(const std::string& body) {
  const nlohmann::json wish = parse_json(body);
  constexpr const char* kForm =
      R"(expected {"model": "PATH"}, or {"canary": {"model": "PATH", "percent": 10, "after": 9}})";
  if (!wish.is_object() || wish.size() != 1) throw Refusal(422, kForm);
  const bool is_canary = wish.contains("canary");
  const nlohmann::json& inner = is_canary ? wish["canary"] : wish;
  if (!inner.is_object() || !inner.contains("model") || !inner["model"].is_string()) {
    throw Refusal(422, kForm);
  }
  for (const auto& [key, value] : inner.items()) {
    if (key != "model" && !(is_canary && (key == "percent" || key == "after"))) {
      throw Refusal(422, fmt::format("{} is no key: {}", key.substr(0, 40), kForm));
    }
  }
  Wish result{.path = inner["model"].get<std::string>(), .is_canary = is_canary, .canary = {}};
  result.canary.percent = static_cast<uint32_t>(number_of(inner, "percent", 10, 99));
  result.canary.after = number_of(inner, "after", 1000, uint64_t{1} << 40);
  return result;
}

}  // namespace

void ModelServer::check_admin(const net::ServedRequest& request) const {
  if (options_.admin_token.empty()) {
    throw Refusal(403, "nothing can be deployed here: start the server with --admin-token-file");
  }
  // Sums take as long to compare whatever was sent.
  const std::string sent(request.header("authorization"));
  if (net::sha256(sent) != net::sha256("Bearer " + options_.admin_token)) {
    throw Refusal(401, "expected the header Authorization: Bearer TOKEN, of --admin-token-file");
  }
}

net::Answer ModelServer::deploy(ModelCall& call) {
  check_admin(call.request);
  const std::string name = call.path.at("model");
  deployments_.find(name);
  const Wish wish = parse_wish(call.request.body);
  const auto pending = std::make_shared<net::HttpPending>();
  const auto done = [this, name, pending](const std::string& error) {
    pending->finish(error.empty() ? answer_of(deployment_json(name, deployments_.find(name)))
                                  : error_answer(422, error));
  };
  if (wish.is_canary) {
    deployments_.begin_canary(name, wish.path, wish.canary, done);
  } else {
    deployments_.replace(name, wish.path, done);
  }
  return {.pending = pending};
}

void ModelServer::add_deployment_routes() {
  const auto add = [&](const char* method, const char* path, Run run) {
    routes_.push_back({.method = method, .path = path, .run = std::move(run)});
  };
  add("GET", "/deployments", [this](ModelCall& call) {
    check_admin(call.request);
    auto list = ordered_json::array();
    for (const auto& [name, one] : deployments_.all()) list.push_back(deployment_json(name, one));
    return answer_of({{"deployments", list}});
  });
  add("GET", "/deployments/{model}", [this](ModelCall& call) {
    check_admin(call.request);
    return answer_of(
        deployment_json(call.path.at("model"), deployments_.find(call.path.at("model"))));
  });
  add("PUT", "/deployments/{model}", [this](ModelCall& call) { return deploy(call); });
  add("DELETE", "/deployments/{model}/canary", [this](ModelCall& call) {
    check_admin(call.request);
    deployments_.end_canary(call.path.at("model"), "by request");
    return answer_of(
        deployment_json(call.path.at("model"), deployments_.find(call.path.at("model"))));
  });
}

}  // namespace ringtrain::serving
