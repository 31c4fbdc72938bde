// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>

#include "server/api/job_routes.hpp"
#include "server/api/seed_request.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

// FastAPI's answers end without a newline.
net::Answer compact(const ordered_json& json) {
  return {.headers = {{"Content-Type", "application/json"}},
          .body = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

net::Answer submit(Jobs& jobs, const nlohmann::json& defaults, const Call& call) {
  const SeedRequest request = parse_seed_request(call.request.body);
  if (jobs.cluster() && defaults.is_null()) {
    throw Problem(500,
                  "a job in a cluster needs volumes, which this request cannot name: start the "
                  "server with --job-defaults FILE");
  }
  if (request.world_size < 1 || request.world_size > 65536) {
    throw Problem(500, "world_size: must be 1 to 65536");
  }
  try {
    const SubmittedJob made = jobs.submit({.job_file = job_file_of(request, defaults),
                                           .ranks = static_cast<int>(request.world_size),
                                           .by = call.caller.name},
                                          "", "");
    return compact({{"message", "Job created"}, {"job_name", made.name}});
  } catch (const Problem& problem) {
    std::string detail = problem.detail();
    if (problem.more().contains("errors")) {
      const auto& first = problem.more()["errors"][0];
      detail = fmt::format("{}: {}", first.value("path", ""), first.value("message", ""));
    }
    throw Problem(500, detail);
  }
}

// "2026-11-24T23:51:30Z" as Python's isoformat() has it.
ordered_json iso_time(const ordered_json& time) {
  if (!time.is_string() || time.get<std::string>().size() < 19) return nullptr;
  return time.get<std::string>().substr(0, 19) + "+00:00";
}

// The status of a batch/v1 Job.
net::Answer status(Jobs& jobs, const Call& call) {
  ordered_json job;
  try {
    job = jobs.get(call.path.at("job_name"));
  } catch (const Problem& problem) {
    throw Problem(500, problem.detail());
  }
  const std::string state = job.value("state", "");
  const bool succeeded = state == "Succeeded";
  const bool failed = state == "Failed";
  const bool active = !succeeded && !failed && state != "Suspended" && state != "Queued";
  const auto one_if = [](bool yes) { return yes ? ordered_json(1) : ordered_json(nullptr); };
  return compact({{"succeeded", one_if(succeeded)},
                  {"failed", one_if(failed)},
                  {"active", one_if(active)},
                  {"start_time", iso_time(job["started"])},
                  {"completion_time", succeeded ? iso_time(job["since"]) : nullptr}});
}

}  // namespace

void add_seed_routes(Routes& routes, Jobs& jobs, const nlohmann::json& defaults) {
  routes.push_back(
      {.method = "POST",
       .path = "/jobs",
       .operation = "submit_job_jobs_post",
       .summary = "Submit Job",
       .access = Access::submit,
       .body = "JobRequest",
       .answer = "message, job_name",
       .run = [&jobs, defaults](const Call& call) { return submit(jobs, defaults, call); },
       .style = RouteStyle::seed});
  routes.push_back({.method = "GET",
                    .path = "/jobs/{job_name}",
                    .operation = "status_jobs__job_name__get",
                    .summary = "Status",
                    .answer = "succeeded, failed, active, start_time, completion_time",
                    .run = [&jobs](const Call& call) { return status(jobs, call); },
                    .style = RouteStyle::seed});
}

}  // namespace ringtrain::server
