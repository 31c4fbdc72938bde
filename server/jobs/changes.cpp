// SPDX-License-Identifier: Apache-2.0
// What people ask of jobs that are there: stop, resume, finish, scale, clone, delete.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <system_error>

#include "base/file.hpp"
#include "job/document.hpp"
#include "server/jobs/jobs.hpp"
#include "server/jobs/possible.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// More than any cluster has.
constexpr int kMostRanks = 65536;

// Returns why a job may not be asked for this, and what is possible; nothing where it may.
std::optional<std::string> refusal(const Job& job, Desired desired) {
  const JobState state = job.state().state;
  if (state == JobState::deleting && desired != Desired::remove) return "it is being deleted";
  const bool has_ended = state == JobState::succeeded || state == JobState::failed;
  switch (desired) {
    case Desired::stop:
      if (has_ended) return "it has ended; it can be resumed where it failed, or deleted";
      if (job.traits().is_of_kueue) {
        return "it is in a queue of Kueue, which alone starts and stops it: set spec.active of its "
               "Workload to false (kubectl get workloads)";
      }
      break;
    case Desired::run:
      if (state == JobState::succeeded) return "it is complete; submit it again for another run";
      if (state != JobState::suspended && state != JobState::failed) {
        return "it runs or waits already; it can be stopped";
      }
      break;
    case Desired::finish:
      if (job.is_in_cluster()) {
        return "its output is in the cluster, where it cannot be asked: 'stop_at' in the job file "
               "ends a job early; it can be stopped";
      }
      if (!job.lives() || job.intent().desired == Desired::stop) {
        return "only a job that runs can end early with its model";
      }
      break;
    case Desired::remove:
      break;
  }
  return std::nullopt;
}

}  // namespace

Job& Jobs::managed(const std::string& name) {
  if (!folder(name).is_managed()) {
    throw Problem(409,
                  fmt::format("'{}' was not started by this server, which can only show it", name));
  }
  return activate(name);
}

void Jobs::refuse_state(const Job& job, const std::string& possible) {
  const std::string name = job.record().name;
  const JobState state = job.state().state;
  if (is_at_rest(state)) active_.erase(name);
  throw Problem(409, fmt::format("'{}' is {}: {}", name, state_name(state), possible),
                {{"state", state_name(state)}, {"possible", possible_in(state)}});
}

ordered_json Jobs::ask(const std::string& name, Desired desired, const std::string& by) {
  Job& job = managed(name);
  if (const auto why = refusal(job, desired)) refuse_state(job, *why);
  if (job.intent().desired != desired || desired == Desired::run) job.ask(desired, by);
  return changed(job, desired == Desired::run);
}

ordered_json Jobs::scale(const std::string& name, int ranks, const std::string& by) {
  Job& job = managed(name);
  const JobState state = job.state().state;
  if (state == JobState::deleting) refuse_state(job, "it is being deleted");
  if (state == JobState::succeeded || state == JobState::finishing) {
    refuse_state(job, "it is complete, or will be in a moment; submit it again for another run");
  }
  const int64_t batch = job.traits().batch_size;
  const int places = job.is_in_cluster() ? kMostRanks : cores();
  const int most = batch > 0 && batch < places ? static_cast<int>(batch) : places;
  if (const int slots = job.record().slots; ranks % slots != 0) {
    const std::string message =
        fmt::format("must be a multiple of {}, the ranks of a pod, found {}", slots, ranks);
    if (is_at_rest(state)) active_.erase(name);
    throw Problem(422, "ranks: " + message, {{"errors", errors_of({{"ranks", 0, message}})}});
  }
  if (ranks < 1 || ranks > most) {
    const std::string message =
        most < places
            ? fmt::format("must be 1 to {}, the job's batch_size, found {}", most, ranks)
            : fmt::format("must be 1 to {}, the cores of this server, found {}", most, ranks);
    if (is_at_rest(state)) active_.erase(name);
    throw Problem(422, "ranks: " + message, {{"errors", errors_of({{"ranks", 0, message}})}});
  }
  if (ranks != job.ranks()) {
    job.scale(ranks, by);
    save(job);
  }
  return changed(job, true);
}

ordered_json Jobs::set_priority(const std::string& name, int priority, const std::string& by) {
  Job& job = managed(name);
  if (job.priority() != priority) {
    job.set_priority(priority, by);
    save(job);
  }
  return changed(job, true);
}

// Looks at a job of which something was asked. Returns what it is now.
ordered_json Jobs::changed(Job& job, bool may_start) {
  const std::string name = job.record().name;
  const bool goes = job.intent().desired == Desired::remove;
  look_at(job);  // it may be gone then
  if (may_start) schedule();
  commit_index();
  if (const Job* const still = find_active(name)) return still->to_json();
  return goes ? ordered_json{{"name", name}, {"state", "Deleting"}} : get(name);
}

Submission Jobs::copy_of(const std::string& name) {
  const JobFolder found = folder(name);
  const auto record = found.read_record();
  if (!record) {
    throw Problem(409, fmt::format("'{}' was not sent to this server: its job file is not known "
                                   "here",
                                   name));
  }
  // A clone of a clone is NAME-3, not NAME-2-2.
  std::string base = record->name;
  if (!record->parent.empty()) base = std::regex_replace(base, std::regex("-[0-9]+$"), "");
  return {.job_file = read_file(found.job_file(), kMaxJobFileBytes + 1),
          .ranks = Job(found).ranks(),
          .name = base,
          .fresh_name = true,
          .parent = name};
}

// Moves a job that does not live to the trash.
void Jobs::finish_removal(const std::string& name) {
  const fs::path folder = active_.at(name)->folder().path();
  const auto stamp = std::chrono::system_clock::now().time_since_epoch().count();
  std::error_code error;
  const fs::path gone = trash() / fmt::format("{}.{}", name, stamp);
  fs::rename(folder, gone, error);
  if (error) return;  // the next tick tries again
  fs::last_write_time(gone, fs::file_time_type::clock::now(), error);
  active_.erase(name);
  followed_at_.erase(name);
  ended_.remove(name);
  change_index([&](Index& index) { index.remove(name); });
  on_change_("end", name, {{"name", name}, {"state", "Deleted"}});
}

}  // namespace ringtrain::server
