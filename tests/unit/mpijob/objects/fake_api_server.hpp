// SPDX-License-Identifier: Apache-2.0
// An API server that keeps objects, as far as submitting and deleting jobs needs one.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "mpijob/client/api_client.hpp"
#include "tests/unit/mpijob/client/server_access.hpp"

namespace ringtrain::mpijob {

class FakeApiServer {
 public:
  FakeApiServer()
      : server_(authority_.make("server", "IP:127.0.0.1"), "",
                [this](const net::ReceivedRequest& request) { return answer(request); }) {}

  ApiClient client() const { return ApiClient(access_to(server_, authority_)); }

  // Objects by kind and name, as in "configmaps/mnist-job".
  std::map<std::string, nlohmann::json> objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
  }
  void put(const std::string& place, const nlohmann::json& object) {
    const std::lock_guard lock(mutex_);
    objects_[place] = object;
  }
  // Its address and its certificate's authority, for a kubeconfig.
  std::string url() const { return server_.url(); }
  std::string authority() const { return authority_.certificate(); }
  // Changes objects that are made from now on, as a controller would.
  void on_create(std::function<void(nlohmann::json& object)> change) {
    const std::lock_guard lock(mutex_);
    on_create_ = std::move(change);
  }
  // The log of a pod, with times.
  void put_log(const std::string& pod, const std::string& text) {
    const std::lock_guard lock(mutex_);
    logs_[pod] = text;
  }
  // Objects of this kind are not made from now on.
  void refuse(const std::string& plural) {
    const std::lock_guard lock(mutex_);
    refused_ = plural;
  }

 private:
  using json = nlohmann::json;

  // place: "configmaps/mnist-job".
  static net::Reply refusal(int code, const std::string& reason, const std::string& place) {
    const auto slash = place.find('/');
    const json details = {{"kind", place.substr(0, slash)}, {"name", place.substr(slash + 1)}};
    const json status = {{"kind", "Status"},
                         {"code", code},
                         {"reason", reason},
                         {"message", reason},
                         {"details", details}};
    return {code, {status.dump()}};
  }

  // True if the object has every label that the query asks for.
  static bool is_selected(const json& object, const std::string& query) {
    const std::string key = "labelSelector=";
    const auto start = query.find(key);
    if (start == std::string::npos) return true;
    const auto from = start + key.size();
    std::string wanted = query.substr(from, query.find('&', from) - from) + "%2C";
    const json labels = object["metadata"].value("labels", json::object());
    for (auto comma = wanted.find("%2C"); comma != std::string::npos; comma = wanted.find("%2C")) {
      bool found = false;
      for (const auto& [label, value] : labels.items()) {
        const std::string pair = url_escape(label + "=" + value.get<std::string>());
        found = found || pair == wanted.substr(0, comma);
      }
      if (!found) return false;
      wanted.erase(0, comma + 3);
    }
    return true;
  }

  net::Reply list(const std::string& kind, const std::string& query) const {
    json items = json::array();
    for (const auto& [place, object] : objects_) {
      if (place.starts_with(kind + "/") && is_selected(object, query)) items.push_back(object);
    }
    return {200, {json{{"metadata", {{"resourceVersion", "1"}}}, {"items", items}}.dump()}};
  }

  net::Reply create(const std::string& kind, json object) {
    const std::string place = kind + "/" + object["metadata"]["name"].get<std::string>();
    if (kind == refused_) return refusal(403, "Forbidden", place);
    if (objects_.contains(place)) return refusal(409, "AlreadyExists", place);
    object["metadata"]["uid"] = "uid of " + place;
    if (on_create_) on_create_(object);
    objects_[place] = object;
    return {201, {object.dump()}};
  }

  net::Reply answer(const net::ReceivedRequest& request) {
    const std::lock_guard lock(mutex_);
    const auto question = request.target.find('?');
    const std::string query =
        question == std::string::npos ? "" : request.target.substr(question + 1);
    const std::string path = request.target.substr(0, question);
    const std::string in_namespace = "/namespaces/lab/";
    std::string place = path.substr(path.find(in_namespace) + in_namespace.size());
    if (place.ends_with("/status")) place.resize(place.size() - std::string("/status").size());
    if (request.method == "POST") return create(place, json::parse(request.body));
    if (query.find("watch=") != std::string::npos) return {200, {}};
    if (place.ends_with("/log")) {
      const auto log = logs_.find(place.substr(5, place.size() - 9));  // "pods/NAME/log"
      return log == logs_.end() ? refusal(404, "NotFound", place) : net::Reply{200, {log->second}};
    }
    if (request.method == "GET" && place.find('/') == std::string::npos) return list(place, query);
    const auto found = objects_.find(place);
    if (found == objects_.end()) return refusal(404, "NotFound", place);
    const json object = found->second;
    if (request.method == "DELETE") objects_.erase(found);
    if (request.method == "PATCH") found->second.merge_patch(json::parse(request.body));
    return {200, {object.dump()}};
  }

  const net::Authority authority_{"the cluster"};
  mutable std::mutex mutex_;
  std::map<std::string, json> objects_;
  std::string refused_;
  std::function<void(json& object)> on_create_;
  std::map<std::string, std::string> logs_;
  net::FakeServer server_;  // last: it calls answer()
};

}  // namespace ringtrain::mpijob
