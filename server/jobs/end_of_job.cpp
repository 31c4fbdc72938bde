// SPDX-License-Identifier: Apache-2.0
// What happens when a job comes to rest.
#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.hpp"
#include "base/log.hpp"
#include "server/jobs/jobs.hpp"
#include "server/now_text.hpp"
#include "tracking/mlflow_push.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

// For a tracking server that does not answer, in seconds.
constexpr int kForMlflow = 3600;

}  // namespace

// Jobs at rest are no longer looked at, once the index has them for good: a full disk may refuse
// that for a while, also when it commits what it took.
void Jobs::let_go() {
  std::erase_if(active_, [this](const auto& one) {
    const Job& job = *one.second;
    if (!is_at_rest(job.state().state) || !job.is_saved(job.to_row())) return false;
    ended_.add(job);
    return true;
  });
}

void Jobs::announce_end(const Job& job) {
  close_in_mlflow(job);
  if (options_.on_end) options_.on_end(job);
  if (!webhook_) return;
  const std::string state = state_name(job.state().state);
  const ordered_json body = {{"event", "job.ended"}, {"time", now_text()}, {"job", job.to_json()}};
  try {
    webhook_->add(fmt::format("{}.{}.{}", job.record().name, job.attempts(), state),
                  body.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  } catch (const Error& refused) {
    log_warning(fmt::format("webhook: {}", refused.what()));
  }
}

// A launcher that was killed leaves its run there RUNNING.
void Jobs::close_in_mlflow(const Job& job) {
  const std::filesystem::path output = job.folder().output();
  if (std::getenv("MLFLOW_TRACKING_URI") == nullptr || !job.folder().is_managed() ||
      !tracking::is_open_in_mlflow(output / "mlflow.json")) {
    return;
  }
  try {
    trackers_.emplace_back(
        SpawnOptions{.arguments = {options_.program.string(), "track", output.string(), "--for",
                                   std::to_string(kForMlflow)},
                     .standard_output = kDevNull});
  } catch (const std::system_error& error) {
    log_warning(
        fmt::format("{}: its run of MLflow stays open: {}", job.record().name, error.what()));
  }
}

}  // namespace ringtrain::server
