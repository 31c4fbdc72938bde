// SPDX-License-Identifier: Apache-2.0
// Progress of a TrainJob, as Kubeflow Trainer shows it in the job's status (KEP-2779): one POST to
// the controller, whose address, CA and token it gives to every pod of the job.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "net/http_client.hpp"
#include "tracking/job_figures.hpp"

namespace ringtrain::tracking {

struct TrainerServer {
  std::string url;
  std::filesystem::path authorities = {};  // file of PEM; empty: the system's
  std::filesystem::path token = {};        // file, which changes; empty: none
};

// Returns nothing without KUBEFLOW_TRAINER_SERVER_URL.
std::optional<TrainerServer> trainer_from_environment();

// The controller wants no more than one POST in this time.
inline constexpr std::chrono::seconds kBetweenTrainerPosts(5);

// The body: progress in per cent, 100 only where the run has finished; seconds left; losses, rate
// and accuracy as text.
std::string trainer_status(const JobFigures& figures, Time now);

// Posts the figures. Returns whether another try makes sense: false once the controller has refused
// with 4xx, as it does with 422 where the job has ended. Throws net::HttpError, or a data error
// where a file cannot be read.
bool post_trainer_status(net::HttpClient& http, const TrainerServer& server,
                         const std::string& body);

}  // namespace ringtrain::tracking
