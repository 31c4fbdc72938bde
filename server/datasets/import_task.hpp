// SPDX-License-Identifier: Apache-2.0
// From files that somebody sent to a dataset of the server: bring them to one folder, import them
// in a confined child, look at what came of it, and put it among the datasets.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/datasets/datasets.hpp"
#include "server/datasets/import_request.hpp"
#include "server/jobs/submission.hpp"
#include "server/operations/background.hpp"
#include "server/operations/confined_child.hpp"
#include "server/operations/operations.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

// All of it outlives the tasks.
struct ImportParts {
  std::filesystem::path program;  // `ringtrain`
  Uploads& uploads;
  Datasets& datasets;
  const JobLimits& limits;               // folders that may be read
  const std::set<std::string>& sources;  // "HOST:PORT" of private places that may be read from
};

// Returns what is wrong with the places that a request's files shall come from, and names them as
// messages show them.
std::vector<Refusal> check_sources(ImportRequest& request, const ImportParts& parts);

class ImportTask : public Task {
 public:
  // Throws a Problem where the files are gone meanwhile.
  ImportTask(const OperationRecord& record, std::filesystem::path work, const ImportParts& parts);
  Look look() override;

 private:
  enum class Phase { fetch, import, describe, sample, sum, over };

  void begin_next();
  void fetch_next();
  void copy_file(const std::filesystem::path& from, const std::filesystem::path& to);
  void run(const char* step, const std::vector<std::string>& words);
  void take_output(bool is_good);
  void publish();
  std::string in_names_of_the_sender(std::string message) const;
  std::filesystem::path place_of(size_t number) const;
  std::filesystem::path result() const { return work_ / "result"; }

  const OperationRecord record_;
  const std::filesystem::path work_;
  const ImportParts& parts_;
  ImportRequest request_;
  std::vector<std::string> paths_;  // of the files that have arrived
  Phase phase_ = Phase::fetch;
  std::string step_;
  std::unique_ptr<Background> background_;
  std::optional<ConfinedChild> child_;
  nlohmann::ordered_json info_;
  std::vector<std::string> notes_;
  std::string sum_;
};

}  // namespace ringtrain::server
