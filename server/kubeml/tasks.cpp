// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "server/kubeml/train_request.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kHistoryFile = "kubeml-history.json";
constexpr size_t kIdDigits = 8;

bool is_id(const std::string& text) {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string job_name(const std::string& id) { return "job-" + id; }

std::string new_id() {
  std::random_device random;
  return fmt::format("{:08x}", random());
}

// Returns null where there is none, or half of one.
ordered_json read_history(const fs::path& output) {
  try {
    const auto json = ordered_json::parse(read_file(output / kHistoryFile), nullptr, false);
    return json.is_object() ? json : ordered_json();
  } catch (const Error&) {
    return nullptr;
  }
}

// A refusal in the words of KubeML's flags.
[[noreturn]] void pass_on(const Problem& problem) {
  if (!problem.more().contains("errors")) throw problem;
  const auto& first = problem.more()["errors"][0];
  const std::string path = first.value("path", "");
  const std::string named = path == "ranks" ? "parallelism" : path;
  throw Problem(
      path == "script" ? 403 : 400,
      fmt::format("{}: {}", named == "script" ? "a function" : named, first.value("message", "")));
}

}  // namespace

std::string KubemlTasks::start(const std::string& body, const std::string& by) {
  if (jobs_.cluster()) {
    throw Problem(403,
                  "functions run on the server's machine, and jobs of this server run in a "
                  "cluster: use a server without --kubernetes");
  }
  KubemlTask task;
  task.datasets = storage_.datasets_folder().string();
  task.quiet_seconds = quiet_seconds_;
  task.request = parse_train_request(body);
  task.code = storage_.function_file(task.request["function_name"].get<std::string>()).string();
  try {
    storage_.dataset(task.request["dataset"].get<std::string>());
  } catch (const Problem& problem) {  // as text, unlike those of storage
    throw Problem(problem.status(), problem.detail());
  }
  const int ranks = task.request["options"]["default_parallelism"].get<int>();
  for (;;) {
    task.id = new_id();
    if (fs::exists(jobs_.path() / "jobs" / job_name(task.id))) continue;
    try {
      jobs_.submit({.job_file = job_file_of(task), .ranks = ranks, .by = by}, "", "");
      return task.id;
    } catch (const Problem& problem) {
      pass_on(problem);
    }
  }
}

std::vector<ActiveTask> KubemlTasks::active() const {
  std::vector<ActiveTask> found;
  for (const auto& [name, job] : jobs_.active()) {
    if (is_at_rest(job->state().state) || !name.starts_with("job-")) continue;
    ordered_json request = request_of(job->record().understood);
    if (request.is_null()) continue;
    ordered_json history = read_history(job->folder().output());
    found.push_back({.id = name.substr(4),
                     .ranks = job->ranks(),
                     .request = std::move(request),
                     .figures = history.is_null() ? history : std::move(history["data"])});
  }
  return found;
}

void KubemlTasks::stop(const std::string& id, const std::string& by) {
  const auto found = jobs_.active().find(job_name(id));
  if (!is_id(id) || found == jobs_.active().end()) {
    throw Problem(500, fmt::format("no task {} runs", id.substr(0, 40)));
  }
  jobs_.ask(job_name(id), found->second->lives() ? Desired::finish : Desired::stop, by);
}

fs::path KubemlTasks::output(const std::string& id) const {
  const JobFolder folder(jobs_.path() / "jobs" / job_name(id));
  if (is_id(id) && folder.exists()) return folder.output();
  throw Problem(404, fmt::format("no network {} is known", id.substr(0, 40)));
}

bool KubemlTasks::has_ended(const std::string& id) const {
  if (!is_id(id)) return false;
  const auto job = jobs_.active().find(job_name(id));
  const bool rests = job == jobs_.active().end() || is_at_rest(job->second->state().state);
  return rests && fs::exists(jobs_.path() / "jobs" / job_name(id) / "output" / kHistoryFile);
}

std::vector<std::string> KubemlTasks::ended() const {
  std::vector<std::pair<std::string, std::string>> found;  // by the time they were made
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(jobs_.path() / "jobs", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("job-") || !has_ended(name.substr(4))) continue;
    const auto record = JobFolder(entry.path()).read_record();
    found.emplace_back(record ? record->created : "", name.substr(4));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> ids;
  for (auto& [created, id] : found) ids.push_back(std::move(id));
  return ids;
}

ordered_json KubemlTasks::history(const std::string& id) const {
  ordered_json history = has_ended(id) ? read_history(output(id)) : ordered_json();
  if (history.is_null()) {
    throw Problem(
        404, fmt::format("no history of {}: it has not ended, or is not known", id.substr(0, 40)));
  }
  return history;
}

ordered_json KubemlTasks::histories() const {
  ordered_json all = ordered_json::array();
  for (const std::string& id : ended()) {
    ordered_json history = read_history(output(id));
    if (!history.is_null()) all.push_back(std::move(history));
  }
  return all.empty() ? ordered_json() : all;
}

void KubemlTasks::forget_history(const std::string& id) {
  if (has_ended(id)) fs::remove(output(id) / kHistoryFile);
}

void KubemlTasks::forget_histories() {
  for (const std::string& id : ended()) fs::remove(output(id) / kHistoryFile);
}

}  // namespace ringtrain::server
