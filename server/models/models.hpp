// SPDX-License-Identifier: Apache-2.0
// The models of a server, each with versions from 1 on. A folder is the truth about each:
//
//   models/NAME/model.json         its aliases, as {"production": 2}
//   models/NAME/N/card.json        version N: its job, data, SHA-256 and results
//   models/NAME/N/model.*          its files, as the job's output has them
//   models/NAME/N/evaluations.json what it was found to be worth since
//
// A version appears whole or not at all, never changes, and outlives its job.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain::server {

// Files of a job's output that a version keeps, the first one always.
inline constexpr const char* kModelFiles[] = {"model.safetensors", "model.pt", "model.pth"};

// Thread: one at a time.
class Models {
 public:
  explicit Models(std::filesystem::path folder);

  // Each model with its newest version: name, versions, aliases, latest.
  std::vector<nlohmann::ordered_json> list() const;
  // A model with the cards and evaluations of its versions, the newest first. Throws a Problem 404.
  nlohmann::ordered_json get(const std::string& model) const;
  // `version`: a number, an alias, or "latest". Throw a Problem 404.
  int number_of(const std::string& model, const std::string& version) const;
  nlohmann::ordered_json card(const std::string& model, int version) const;
  std::filesystem::path folder(const std::string& model, int version) const;
  // Returns the version of a model that a job's attempt has made; 0: none.
  int version_of(const std::string& model, const std::string& job, int attempt) const;

  // Makes a folder that has all files the model's next version, with this card. Returns its number.
  int adopt(const std::filesystem::path& complete, const std::string& model,
            nlohmann::ordered_json card);
  // Safe on disk when they return. A version has each alias; `set_alias` takes it from another one.
  // Throw a Problem: 404, 422.
  void set_alias(const std::string& model, const std::string& alias, int version);
  void remove_alias(const std::string& model, const std::string& alias);
  void add_evaluation(const std::string& model, int version,
                      const nlohmann::ordered_json& evaluation);
  // Deletes a version for good. Throws a Problem 409 where an alias is its.
  void remove(const std::string& model, int version);

 private:
  std::vector<int> versions(const std::string& model) const;
  nlohmann::ordered_json aliases(const std::string& model) const;
  void save_aliases(const std::string& model, const nlohmann::ordered_json& aliases);
  nlohmann::ordered_json evaluations(const std::string& model, int version) const;

  const std::filesystem::path folder_;
};

}  // namespace ringtrain::server
