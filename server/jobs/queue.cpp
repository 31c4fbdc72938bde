// SPDX-License-Identifier: Apache-2.0
// The queue: which job starts when, and how it is started.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/jobs/backfill.hpp"
#include "server/jobs/jobs.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

// A look at earlier jobs takes milliseconds, for which nobody gets an answer.
constexpr int kLooksATick = 1;

// Whether this override has a job's results go to object storage, too.
bool is_output(const std::string& override) { return override.starts_with("output="); }

bool has_output_url(const std::vector<std::string>& overrides) {
  return std::any_of(overrides.begin(), overrides.end(), is_output);
}

// Ends the URL with the job's name, unless it does: a copy of a job has its own results.
std::string own_output(const std::string& override, const std::string& name) {
  auto url = nlohmann::json::parse(override.substr(override.find('=') + 1)).get<std::string>();
  while (url.ends_with('/')) url.pop_back();
  return override_of("output", url.ends_with("/" + name) ? url : url + "/" + name);
}

// "3 min", "5 h", "7 days": in few digits, so that a line does not change with each second.
std::string roughly(double seconds) {
  const double minutes = std::max(1.0, std::round(seconds / 60));
  if (minutes < 120) return fmt::format("{:.0f} min", minutes);
  const double hours = std::round(minutes / 60);
  return hours < 48 ? fmt::format("{:.0f} h", hours) : fmt::format("{:.0f} days", hours / 24);
}

}  // namespace

int Jobs::busy_cores() const {
  int busy = 0;
  for (const auto& [name, job] : active_) busy += job->busy_ranks();
  return busy;
}

// The highest priority first, then first in, first out; who passes whom is in backfill.hpp.
void Jobs::schedule() {
  std::vector<Job*> queue;
  std::vector<CoresInUse> running;
  for (const auto& [name, job] : active_) {
    if (job->state().state == JobState::queued) queue.push_back(job.get());
    if (!job->lives()) continue;
    running.push_back(
        {job->busy_ranks(), job->progress().figures.seconds_left.value_or(kUnknownSeconds)});
  }
  if (queue.empty()) return;
  std::sort(queue.begin(), queue.end(), [](const Job* one, const Job* two) {
    return std::tuple(-one->priority(), one->queued_since(), one->record().name) <
           std::tuple(-two->priority(), two->queued_since(), two->record().name);
  });
  if (options_.cluster) return schedule_in_cluster(queue);
  std::vector<CoresWanted> wanted;
  const int free = cores() - busy_cores();
  // Nobody passes unless the first waits, and only one that would fit now can.
  const bool first_waits = queue.front()->ranks() > free;
  int looks = kLooksATick;
  for (Job* const job : queue) {
    const bool may_pass = first_waits && job->ranks() <= free;
    wanted.push_back({job->ranks(), may_pass ? expected_seconds(*job, looks) : kUnknownSeconds});
  }
  const QueueDecision decision = choose_starts(wanted, running, cores());
  std::vector<bool> starts(queue.size(), false);
  for (const size_t place : decision.start) {
    starts[place] = true;
    start(*queue[place]);
  }
  const int free_now = std::max(0, cores() - busy_cores());
  int position = 0;
  for (size_t i = 0; i < queue.size(); ++i) {
    if (starts[i]) continue;
    std::string why =
        fmt::format("waits for {} of {} cores, {} free now", queue[i]->ranks(), cores(), free_now);
    if (position == 0 && decision.first_starts) {
      why += fmt::format("; starts in about {}", roughly(*decision.first_starts));
    }
    wait(*queue[i], why, ++position);
  }
}

void Jobs::wait(Job& job, const std::string& why, int position) {
  if (job.set_waiting(why, position)) on_change_("job", job.record().name, job.to_json());
}

// The command that a keeper runs on this machine.
std::vector<std::string> Jobs::run_words(const Job& job, int number) const {
  std::vector<std::string> words = {"run", job.folder().job_file().string(), "-n",
                                    std::to_string(job.ranks())};
  if (!job.record().script.empty()) {
    const fs::path logs = job.folder().output() / "logs" / std::to_string(number);
    words.insert(words.end(), {"--log-dir", logs.string()});
  } else if (options_.tensorboard) {
    words.emplace_back("--tensorboard");
  }
  std::vector<std::string> overrides = job.record().overrides;
  overrides.push_back("name=" + ordered_json(job.record().name).dump());
  const auto output = std::find_if(overrides.begin(), overrides.end(), is_output);
  if (output != overrides.end()) {
    *output = own_output(*output, job.record().name);
  } else {
    overrides.push_back("output=" + ordered_json(job.folder().output().string()).dump());
  }
  if (job.progress().has_saved) overrides.emplace_back("checkpoint.resume=auto");
  for (const std::string& one : overrides) words.insert(words.end(), {"--set", one});
  return words;
}

// Starts a keeper of an attempt, with its lock. Returns false where somebody looks at the lock: the
// next tick tries again. Throws std::system_error.
bool Jobs::keep(const Job& job, const fs::path& attempt, const std::vector<std::string>& words) {
  fs::create_directories(attempt);
  const auto lock = launcher::lock_run(attempt);
  if (!lock) return false;
  std::vector<std::string> all = {options_.program.string(), "keep", attempt.string(), "--"};
  all.insert(all.end(), words.begin(), words.end());
  // A URL in a job is a stranger's; results that go to a bucket are in the job's folder, too.
  Environment environment = {{"RINGTRAIN_URLS", "public"}};
  if (has_output_url(job.record().overrides)) {
    environment.emplace_back("RINGTRAIN_OUTPUT_FOLDER", job.folder().output().string());
  }
  starters_.emplace_back(SpawnOptions{.arguments = all,
                                      .environment = environment,
                                      .standard_input = lock->get(),
                                      .standard_output = kDevNull});
  return true;
}

void Jobs::start(Job& job) {
  const int number = job.attempts() + 1;
  const fs::path folder = job.folder().attempt(number);
  try {
    const bool is_kept = job.is_in_cluster() ? start_in_cluster(job, folder)
                                             : keep(job, folder, run_words(job, number));
    if (!is_kept) return;
    job.set_started(job.ranks());
    queue_waits_.add(job.end_queue());
    log_info(fmt::format("{}: attempt {} starts on {}", job.record().name, number,
                         counted(job.ranks(), "rank")));
  } catch (const std::exception& error) {  // no process is left, or no space
    return wait(job, fmt::format("cannot be started: {}; it is tried again", error.what()), 1);
  }
  look_at(job);
}

void Jobs::reap_starters() {
  const auto has_ended = [](Child& child) { return child.poll().has_value(); };
  std::erase_if(starters_, has_ended);
  std::erase_if(trackers_, has_ended);
}

}  // namespace ringtrain::server
