// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/launcher_logs.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "base/time.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/client/resource.hpp"

namespace ringtrain::server {
namespace {

using mpijob::label_of;
using mpijob::look_text;
using mpijob::name_of;
using nlohmann::json;

// Kubernetes compares whole seconds, and the node's clock is not ours.
constexpr std::chrono::seconds kOverlap(2);
constexpr std::chrono::seconds kBetweenTries(2);

std::vector<json> launchers_of(const std::vector<json>& pods,
                               const std::vector<std::string>& earlier) {
  std::vector<json> found;
  for (const json& pod : pods) {
    if (label_of(pod, "training.kubeflow.org/job-role") != "launcher") continue;
    if (std::find(earlier.begin(), earlier.end(), name_of(pod)) == earlier.end()) {
      found.push_back(pod);
    }
  }
  const auto made = [](const json& pod) {
    return look_text(pod, {"metadata", "creationTimestamp"});
  };
  std::sort(found.begin(), found.end(),
            [&](const json& one, const json& two) { return made(one) < made(two); });
  return found;
}

}  // namespace

std::string LauncherLogs::since() const {
  if (!copy_.newest()) return "";
  return "sinceTime=" + mpijob::url_escape(print_time(*copy_.newest() - kOverlap));
}

void LauncherLogs::take(const std::string& line) {
  training_.take(line);
  copy_.take(line);
}

void LauncherLogs::read_whole(const std::string& pod) {
  try {
    // From its first line: what the training log says of it must be whole.
    std::istringstream lines(client_.log(pod, "timestamps=true"));
    training_ = mpijob::TrainingLog();
    training_of_ = pod;
    for (std::string line; std::getline(lines, line);) take(line);
    read_.insert(pod);
  } catch (const mpijob::ApiError& error) {
    if (error.status() == 403) throw;
    // The container is gone, or its node does not answer.
    if (error.status() == 404) read_.insert(pod);
    next_try_ = Deadline(kBetweenTries);
  }
}

void LauncherLogs::follow(const std::vector<json>& pods, const std::vector<std::string>& earlier) {
  const std::vector<json> launchers = launchers_of(pods, earlier);
  if (stream_ && stream_->has_ended()) {
    stream_->check();
    stream_.reset();
    next_try_ = Deadline(kBetweenTries);
  }
  for (const json& launcher : launchers) {
    const std::string pod = name_of(launcher);
    if (read_.contains(pod)) continue;
    const std::string phase = look_text(launcher, {"status", "phase"});
    const bool streams = stream_ && stream_->pod() == pod;
    if (phase == "Succeeded" || phase == "Failed") {
      // Its stream ends by itself; a pod that has ended is read once more, as a stream may break.
      if (!streams && next_try_.passed()) read_whole(pod);
      if (!read_.contains(pod)) return;
    } else if (phase == "Running" && !streams && next_try_.passed()) {
      if (pod != training_of_) training_ = mpijob::TrainingLog();
      training_of_ = pod;
      stream_ = std::make_unique<mpijob::PodLog>(client_, pod, since(),
                                                 [this](const std::string& line) { take(line); });
    }
  }
}

}  // namespace ringtrain::server
