// SPDX-License-Identifier: Apache-2.0
#include "server/data/data_store.hpp"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.hpp"
#include "server/models/job_model.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;

DataStore::DataStore(const fs::path& folder, const fs::path& program, const JobLimits& all_limits,
                     std::set<std::string> all_sources, const OnChange& on_change)
    : limits(all_limits),
      sources(std::move(all_sources)),
      uploads(folder / "uploads"),
      bucket_uploads(limits.buckets),
      datasets(folder / "datasets"),
      models(folder / "models"),
      operations(folder / "operations",
                 [on_change](const nlohmann::ordered_json& operation) {
                   on_change("operation", "", operation);
                 }),
      imports{program, uploads, datasets, limits, sources},
      model_parts{program, models} {
  operations.add_kind("import", [this](const OperationRecord& record, const fs::path& work) {
    return std::make_unique<ImportTask>(record, work, imports);
  });
  operations.add_kind("model", [this](const OperationRecord& record, const fs::path& work) {
    return std::make_unique<ModelTask>(record, work, model_parts);
  });
}

void DataStore::take_end(const Job& job) {
  if (job.state().state != JobState::succeeded || !job.record().script.empty()) return;
  const std::string model = model_name_of(job.record());
  try {
    operations.begin("model", "/api/v1/models/" + model,
                     to_request(model_request_of(job.folder(), job.to_json(), model)),
                     job.record().by);
  } catch (const std::exception& refused) {  // the disk: POST /api/v1/models does it later
    log_warning(
        fmt::format("{}: its model is no version yet: {}", job.record().name, refused.what()));
  }
}

}  // namespace ringtrain::server
