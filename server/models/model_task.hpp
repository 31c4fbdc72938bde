// SPDX-License-Identifier: Apache-2.0
// From a job's output to a version of a model, and its evaluation: takes the files over, adds their
// checksums up, writes the card, and lets a confined `ringtrain evaluate` say what it is worth.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/models/models.hpp"
#include "server/operations/background.hpp"
#include "server/operations/confined_child.hpp"
#include "server/operations/operations.hpp"

namespace ringtrain::server {

// All of it outlives the tasks.
struct ModelParts {
  std::filesystem::path program;  // `ringtrain`
  Models& models;
};

// The wish for a version of `model` made of `output`, or, with a version, an evaluation of it.
struct ModelRequest {
  std::string model = {};
  int version = 0;          // 0: a new one
  std::string output = {};  // folder of the job's model files
  std::string job = {};
  int attempt = 0;
  std::string dataset = {};       // path to evaluate on; empty: no evaluation
  std::string dataset_name = {};  // as people know it
  std::string split = "test";
  std::string about = {};  // members of the card, as a JSON object
};

nlohmann::ordered_json to_request(const ModelRequest& request);

class ModelTask : public Task {
 public:
  // `record.request`: what to_request() returns.
  ModelTask(const OperationRecord& record, std::filesystem::path work, const ModelParts& parts);
  Look look() override;

 private:
  enum class Phase { take, sum, evaluate, over };

  void take_files();
  void publish();
  void start_evaluation();
  void take_evaluation();

  const OperationRecord record_;
  const std::filesystem::path work_;
  const ModelParts& parts_;
  ModelRequest request_;
  nlohmann::ordered_json files_ = nlohmann::ordered_json::object();  // written by background_
  Phase phase_ = Phase::take;
  std::string step_;
  std::unique_ptr<Background> background_;
  std::optional<ConfinedChild> child_;
};

}  // namespace ringtrain::server
