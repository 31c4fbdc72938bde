// SPDX-License-Identifier: Apache-2.0
// Reads and changes objects of one namespace. Every call throws an ApiError, which is one line for
// the user, where the server refuses.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mpijob/client/resource.hpp"
#include "mpijob/client/transport.hpp"

namespace ringtrain::mpijob {

// Selects objects of a kind; empty: all of them.
struct Selection {
  std::string labels;  // "training.kubeflow.org/job-name=mnist"
  std::string fields;  // "metadata.name=mnist"

  // "labelSelector=...&fieldSelector=..."
  std::string query() const;
};

class ApiClient {
 public:
  explicit ApiClient(Access access);

  const std::string& name_space() const { return transport_->access().name_space; }
  Transport& transport() { return *transport_; }

  nlohmann::json get(const Resource& resource, const std::string& name);
  // Returns the same, or nothing where there is no object of that name.
  std::optional<nlohmann::json> find(const Resource& resource, const std::string& name);
  // Returns a whole List object, which the server sends in pages.
  nlohmann::json list(const Resource& resource, const Selection& selection = {});
  nlohmann::json create(const Resource& resource, const nlohmann::ordered_json& object);
  // Applies a JSON merge patch: only keys in `changes` change, and null removes one.
  nlohmann::json patch(const Resource& resource, const std::string& name,
                       const nlohmann::json& changes);
  // Deletes an object. `options` is a DeleteOptions object, such as {"propagationPolicy":
  // "Background"}. Returns false where there is no object of that name, or none any more.
  bool remove(const Resource& resource, const std::string& name, const nlohmann::json& options);

  // Returns a container's log so far. `query` is as in "tailLines=100&container=launcher".
  std::string log(const std::string& pod, const std::string& query);

 private:
  nlohmann::json perform(const std::string& verb, const Resource& resource, const std::string& name,
                         const ApiRequest& request);

  std::unique_ptr<Transport> transport_;
};

}  // namespace ringtrain::mpijob
