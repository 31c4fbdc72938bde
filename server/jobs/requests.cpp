// SPDX-License-Identifier: Apache-2.0
// What people ask of the jobs: submit, and look. Changes of jobs that are there are in changes.cpp.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "server/cluster/cluster_submission.hpp"
#include "server/jobs/jobs.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

[[noreturn]] void no_such_job() {
  throw Problem(404, "there is no such job: GET /api/v1/jobs lists all");
}

// Returns `base` for the first try, then base-2 and so on, within 63 characters.
std::string numbered(const std::string& base, int number) {
  if (number == 1) return base;
  const std::string end = fmt::format("-{}", number);
  return base.substr(0, 63 - end.size()) + end;
}

}  // namespace

CheckedJob Jobs::check(const Submission& submission) const {
  if (options_.cluster) return check_for_cluster(submission, options_.cluster->name_space);
  return check_submission(submission, options_.limits);
}

SubmittedJob Jobs::submit(const Submission& submission, const std::string& key,
                          const std::string& body) {
  CheckedJob checked = check(submission);
  if (!checked.refusals.empty()) {
    throw Problem(422,
                  fmt::format("{} in the job, each with its key and line below",
                              counted(checked.refusals.size(), "mistake")),
                  {{"errors", errors_of(checked.refusals)}});
  }
  if (free_bytes() < kLeastFreeBytes) {
    throw Problem(507, fmt::format("the disk of {} has less than {} left: make room, then send the "
                                   "job again",
                                   options_.folder.string(), print_size(kLeastFreeBytes)));
  }
  const std::string base = checked.record.name;
  std::string name = base;
  for (int n = 2; submission.fresh_name && find_folder(name).exists(); ++n) {
    name = numbered(base, n);
  }
  if (!key.empty()) {
    const auto kept = keys_.name_for(key, body, name);
    name = kept.name;
    if (kept.is_known && find_folder(name).exists()) {
      return {name, checked.record.warnings, false};
    }
  }
  checked.record.name = name;
  if (options_.cluster) rename_in_cluster(checked, name);
  checked.record.priority = submission.priority;
  checked.record.created = print_time_ms(std::chrono::system_clock::now());
  std::optional<JobFolder> made;
  if (!find_folder(name).exists()) {
    made = JobFolder::make(options_.folder / "jobs", checked.record, submission.job_file);
  }
  if (!made) {
    if (!key.empty()) keys_.forget(key);
    throw Problem(409,
                  fmt::format("the name '{}' is taken: send the job with another name, or with "
                              "?fresh_name=true to take the next that is free",
                              name),
                  {{"job", name}}, "/api/v1/jobs/" + name);
  }
  auto job = std::make_unique<Job>(*made);
  job->observe([](const EventRecord&) {});
  on_change_("job", name, job->to_json());
  save(*job);
  commit_index();
  active_[name] = std::move(job);
  schedule();
  return {name, checked.record.warnings, true};
}

uintmax_t Jobs::free_bytes() const {
  std::error_code error;
  const auto space = fs::space(options_.folder, error);
  return error ? kLeastFreeBytes : space.available;
}

std::vector<std::string> Jobs::data_folders() const {
  return {options_.limits.data.begin(), options_.limits.data.end()};
}

JobFolder Jobs::find_folder(const std::string& name) const {
  if (name.empty() || name.starts_with('.') || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos || name.size() > 255) {
    return {};
  }
  const JobFolder managed(options_.folder / "jobs" / name);
  if (managed.exists()) return managed;
  if (is_own_folder(name)) return managed;
  const JobFolder run(options_.folder / name);
  return run.exists() ? run : managed;
}

JobFolder Jobs::folder(const std::string& name) {
  JobFolder found = find_folder(name);
  if (!found.exists()) no_such_job();
  return found;
}

Job* Jobs::find_active(const std::string& name) {
  const auto found = active_.find(name);
  return found == active_.end() ? nullptr : found->second.get();
}

// Returns the job, which is looked at again from now on.
Job& Jobs::activate(const std::string& name) {
  if (Job* const job = find_active(name)) return *job;
  const JobFolder found = folder(name);
  auto& job = active_[name];
  job = std::make_unique<Job>(found, index_->get(name), index_->series(name));
  return *job;
}

ordered_json Jobs::get(const std::string& name) {
  if (const Job* const job = find_active(name)) return job->to_json();
  const JobFolder found = folder(name);
  if (const auto row = index_->get(name)) return ordered_json::parse(row->text);
  return Job(found).to_json();
}

SeriesByName Jobs::series(const std::string& name) {
  if (const Job* const job = find_active(name)) return job->series();
  folder(name);
  return index_->series(name);
}

Progress Jobs::progress(const std::string& name) {
  if (const Job* const job = find_active(name)) return job->progress();
  folder(name);
  const auto row = index_->get(name);
  return row ? progress_from_json(row->reader).value_or(Progress{}) : Progress{};
}

std::vector<ClusterPod> Jobs::pods(const std::string& name) {
  const JobFolder found = folder(name);
  const auto run = read_cluster_run(found.attempt(found.last_attempt()));
  return run ? run->pods : std::vector<ClusterPod>();
}

ListPage Jobs::list(const ListQuery& query) {
  ListPage page = index_->list(query);
  for (ListedJob& row : page.rows) {
    if (Job* const job = find_active(row.name)) row.text = job->line();
  }
  return page;
}

std::map<std::string, std::string> Jobs::using_dataset(const std::string& dataset) {
  std::map<std::string, std::string> found;
  ListQuery query{.words = dataset, .by_name = true, .limit = 500};
  do {
    const ListPage page = list(query);
    for (const ListedJob& row : page.rows) {
      const auto job = ordered_json::parse(row.text, nullptr, false);
      if (job.is_object() && job.value("stored_dataset", "") == dataset) {
        found[row.name] = job.value("state", "");
      }
    }
    query.after = page.next;
  } while (!query.after.empty());
  return found;
}

std::map<std::string, int> Jobs::count_by_state() { return index_->count_by_state(); }

}  // namespace ringtrain::server
