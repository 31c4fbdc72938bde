// SPDX-License-Identifier: Apache-2.0
// The table of routes: paths, methods, who may call them, and what the reference says. The
// dispatcher, /openapi.json and docs/reference/rest-api.md are all made from it.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/http_server.hpp"
#include "server/api/tokens.hpp"

namespace ringtrain::server {

// A request, taken apart.
struct Call {
  const net::ServedRequest& request;
  std::map<std::string, std::string> path = {};   // by the names in the pattern
  std::map<std::string, std::string> query = {};  // the last value of each
  Caller caller = {};

  // Return a query parameter; `none` where it is not there. Throw a Problem 400 where it does not
  // fit.
  std::string text(const std::string& name, const std::string& none = "") const;
  int64_t number(const std::string& name, int64_t none, int64_t least, int64_t most) const;
  bool flag(const std::string& name) const;
  // Returns the body as a JSON object. Throws a Problem 400.
  nlohmann::ordered_json json_body() const;
};

enum class Access { open, read, submit, admin };

struct Parameter {
  std::string name;
  std::string type;  // of JSON Schema
  std::string text;
};

// Styles of errors, and of the description.
enum class RouteStyle {
  ours,    // RFC 9457
  seed,    // as k8s-distributed-training's FastAPI answers
  kubeml,  // as KubeML's controller answers: a line of text, or {"error"}
  plain,   // for probes and browsers
};

struct Route {
  std::string method;
  std::string path;  // "/api/v1/jobs/{name}"; a last "{name...}" takes what is left
  std::string operation = {};
  std::string summary = {};
  Access access = Access::read;
  std::vector<Parameter> query = {};
  // The meaning of a body, in the style kubeml its type; empty: none is taken.
  std::string body = {};
  std::string answer = {};  // what a success holds
  int success = 200;
  // An answer that waits is `pending` with its `then`, and ends with finish() without an answer.
  std::function<net::Answer(const Call&)> run = {};
  RouteStyle style = RouteStyle::ours;
  // Instead of run: takes a body of any size as it arrives. The call is gone when this has
  // returned.
  std::function<net::BodyReceiver(const Call&)> receive = {};
};

using Routes = std::vector<Route>;

// Parses a JSON text that may come from anybody: no duplicate keys, depth to 64, finite numbers.
// Throws a Problem 400 that says where it is wrong.
nlohmann::ordered_json parse_json(const std::string& text);

// Splits "a,b" at commas.
std::set<std::string> words_in(const std::string& list);

net::Answer json_answer(const nlohmann::ordered_json& json, int status = 200);

}  // namespace ringtrain::server
