// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/namespace_view.hpp"

#include <sstream>

#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/status/job_status.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kBetweenLogs(3);
constexpr const char* kTail = "timestamps=true&tailLines=200";

json object_named(const Watch& watch, const std::string& name) {
  const auto found = watch.objects().find(name);
  return found == watch.objects().end() ? json() : found->second;
}

std::vector<json> labelled(const Watch& watch, const std::string& name) {
  std::vector<json> result;
  for (const auto& [key, object] : watch.objects()) {
    if (label_of(object, kResourceLabel) == name) result.push_back(object);
  }
  return result;
}

}  // namespace

bool NamespaceView::is_complete() const {
  for (const Watch* watch : {&resources_, &jobs_, &mpijobs_, &config_maps_, &pods_, &events_}) {
    if (watch->must_list()) return false;
  }
  return true;
}

std::vector<std::string> NamespaceView::names() const {
  std::vector<std::string> result;
  for (const auto& [name, object] : resources_.objects()) result.push_back(name);
  return result;
}

ObservedResource NamespaceView::observe(const std::string& name) {
  ObservedResource seen;
  seen.resource = object_named(resources_, name);
  seen.jobs = labelled(jobs_, name);
  seen.mpijob = object_named(mpijobs_, name);
  seen.launcher_job = object_named(jobs_, name + "-launcher");
  seen.config_maps = labelled(config_maps_, name);
  std::vector<json> training;
  for (const auto& [key, pod] : pods_.objects()) {
    if (label_of(pod, "training.kubeflow.org/job-name") == name) training.push_back(pod);
  }
  seen.pods = labelled(pods_, name);
  seen.log = log_of(name, newest_launcher(training));
  seen.pods.insert(seen.pods.end(), training.begin(), training.end());
  seen.events = events_.list();
  seen.now = std::chrono::system_clock::now();
  return seen;
}

const TrainingLog& NamespaceView::log_of(const std::string& name, const json& launcher) {
  ReadLog& read = logs_[name];
  const std::string phase = look_text(launcher, {"status", "phase"});
  if (name_of(launcher) != read.pod) {
    read = ReadLog();
    read.pod = name_of(launcher);
  }
  const bool has_ended = phase == "Succeeded" || phase == "Failed";
  if (phase != "Running" && !has_ended) return read.log;
  if (has_ended ? read.ended : !read.next.passed()) return read.log;
  try {
    std::istringstream lines(client_.log(read.pod, kTail));
    for (std::string line; std::getline(lines, line);) read.log.take(line);
    read.ended = has_ended;
  } catch (const ApiError&) {
    // The container may have just been deleted, or its node does not respond: the next time.
  }
  read.next = Deadline(kBetweenLogs);
  return read.log;
}

}  // namespace ringtrain::mpijob
