// SPDX-License-Identifier: Apache-2.0
// Models of the server that answer requests, each by a `ringtrain serve` of its own. A folder is
// the truth about each:
//
//   deployments/NAME/deployment.json   which version, by whom, and its port
//   deployments/NAME/out, err          what its program has printed
//
// They end with the server, and start again with the next one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/deployments/deployed_model.hpp"
#include "server/models/models.hpp"

namespace ringtrain::server {

struct DeploymentRecord {
  std::string model = {};
  int version = 0;
  std::string created = {};  // when this version was asked for
  std::string by = {};
  uint16_t port = 0;  // 0: none yet
};

// Thread: one at a time.
class Deployments {
 public:
  // `program`: `ringtrain`; `address`: where they listen. `models` outlives it.
  Deployments(std::filesystem::path folder, std::filesystem::path program, std::string address,
              const Models& models);

  std::vector<nlohmann::ordered_json> list() const;
  // Throws a Problem 404.
  nlohmann::ordered_json get(const std::string& name) const;
  // Deploys a version, in place of the one that is there. `version`: a number, an alias, or
  // "latest". Throws a Problem: 404 for the model, 409 while it is changing, 422 for the name.
  nlohmann::ordered_json put(const std::string& name, const std::string& model,
                             const std::string& version, const std::string& by);
  // Throws a Problem 404.
  void remove(const std::string& name);

  void tick();

 private:
  struct One {
    DeploymentRecord record;
    std::unique_ptr<DeployedModel> process;
    std::optional<DeploymentRecord> earlier = {};  // while it changes
  };

  nlohmann::ordered_json shown(const std::string& name, const One& one) const;
  void start(const std::string& name, One& one);
  void look(const std::string& name, One& one);
  void save(const std::string& name, const DeploymentRecord& record) const;

  const std::filesystem::path folder_;
  const std::filesystem::path program_;
  const std::string address_;
  const Models& models_;
  std::map<std::string, One> all_;
};

}  // namespace ringtrain::server
