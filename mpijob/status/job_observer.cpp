// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/job_observer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kLogInterval(500);

// About an hour and a half of a launcher's events, which are one a second at most.
constexpr const char* kTail = "tailLines=5000";

bool has_log(const json& pod) {
  const std::string phase = look_text(pod, {"status", "phase"});
  return phase == "Running" || phase == "Succeeded" || phase == "Failed";
}

}  // namespace

JobObserver::JobObserver(ApiClient& client, const std::string& name)
    : client_(client),
      name_(name),
      jobs_(mpi_jobs, {"", "metadata.name=" + name}),
      launchers_(batch_jobs, {"", "metadata.name=" + name + "-launcher"}),
      pods_(mpijob::pods, {"training.kubeflow.org/job-name=" + name, ""}),
      events_(mpijob::events, {"", "type!=Normal"}) {
  read(jobs_, true);
  if (jobs_.objects().empty()) client_.get(mpi_jobs, name_);  // throws: not found
  read(launchers_, false);
  read(pods_, false);
  read(events_, false);
  read_log();
}

void JobObserver::read(Watch& watch, bool needed) {
  try {
    watch.take_list(client_.list(watch.resource(), watch.selection()));
    readable_.push_back(&watch);
  } catch (const ApiError& error) {
    if (needed || error.status() != 403) throw;
    notes_.emplace_back(error.what());
  }
}

void JobObserver::read_log() {
  const auto pods = pods_.list();
  const json& launcher = newest_launcher(pods);
  log_of_ = name_of(launcher);
  log_ = TrainingLog();
  if (!has_log(launcher)) return;
  const auto take = [&](const std::string& query) {
    log_ = TrainingLog();
    std::istringstream lines(client_.log(log_of_, query));
    for (std::string line; std::getline(lines, line);) log_.take(line);
  };
  try {
    take(fmt::format("timestamps=true&{}", kTail));
    if (!log_.started()) take("timestamps=true");
  } catch (const ApiError& error) {
    // The container may have just been deleted, or its node does not respond.
    if (error.status() == 403) notes_.emplace_back(error.what());
  }
}

void JobObserver::follow_log() {
  const auto pods = pods_.list();
  const json& launcher = newest_launcher(pods);
  const std::string pod = name_of(launcher);
  if (pod != log_of_) {
    log_of_ = pod;
    log_ = TrainingLog();
    stream_.reset();
    log_changed_ = true;
  }
  if (stream_ && stream_->has_ended()) {
    stream_.reset();
    next_log_ = Deadline(std::chrono::seconds(2));
  }
  const bool running = look_text(launcher, {"status", "phase"}) == "Running";
  if (stream_ || !running || !next_log_.passed()) return;
  // Lines that were read before come again, which changes nothing.
  stream_ = std::make_unique<PodLog>(client_, pod, kTail, [this](const std::string& line) {
    log_.take(line);
    log_changed_ = true;
  });
}

bool JobObserver::wait(std::chrono::milliseconds at_most) {
  if (!watcher_) watcher_ = std::make_unique<Watcher>(client_, readable_);
  const Deadline deadline(at_most);
  for (;;) {
    follow_log();
    // Checks the log twice a second, which is as often as it grows.
    const bool changed = watcher_->wait(std::min(deadline.left(), kLogInterval));
    if (jobs_.objects().empty() && watcher_->problem().empty()) {
      client_.get(mpi_jobs, name_);
    }
    if (std::exchange(log_changed_, false) || changed) return true;
    if (deadline.passed()) return false;
  }
}

const json& JobObserver::mpijob() const {
  static const json nothing;
  return jobs_.objects().empty() ? nothing : jobs_.objects().begin()->second;
}

JobStatus JobObserver::status() const {
  const auto launchers = launchers_.list();
  const JobObjects objects{mpijob(), launchers.empty() ? json() : launchers.front(), pods_.list(),
                           events_.list()};
  return judge(objects, {log_.is_training(), log_.cause()}, std::chrono::system_clock::now());
}

std::vector<std::string> JobObserver::notes() const {
  std::vector<std::string> result = notes_;
  if (watcher_ && !watcher_->problem().empty()) result.push_back(watcher_->problem());
  return result;
}

}  // namespace ringtrain::mpijob
