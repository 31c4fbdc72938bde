// SPDX-License-Identifier: Apache-2.0
// The queue: which job starts when, and how it is started.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/jobs/jobs.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

int Jobs::busy_cores() const {
  int busy = 0;
  for (const auto& [name, job] : active_) busy += job->busy_ranks();
  return busy;
}

// First in, first out: a job that fits waits for one before it that does not.
void Jobs::schedule() {
  std::vector<Job*> queue;
  for (const auto& [name, job] : active_) {
    if (job->state().state == JobState::queued) queue.push_back(job.get());
  }
  std::sort(queue.begin(), queue.end(), [](const Job* one, const Job* two) {
    return std::pair(one->queued_since(), one->record().name) <
           std::pair(two->queued_since(), two->record().name);
  });
  if (options_.cluster) return schedule_in_cluster(queue);
  int free = cores() - busy_cores();
  bool blocked = false;
  int position = 0;
  for (Job* const job : queue) {
    const int ranks = job->ranks();
    // After a change of --cores no job may wait for ever: it runs alone then.
    const bool fits = ranks <= free || free == cores();
    if (!blocked && fits) {
      start(*job);
      free -= ranks;
      continue;
    }
    blocked = true;
    wait(*job,
         fmt::format("waits for {} of {} cores, {} free now", ranks, cores(), std::max(0, free)),
         ++position);
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
  overrides.push_back("output=" + ordered_json(job.folder().output().string()).dump());
  if (job.progress().has_saved) overrides.emplace_back("checkpoint.resume=auto");
  for (const std::string& one : overrides) words.insert(words.end(), {"--set", one});
  return words;
}

// Starts a keeper of an attempt, with its lock. Returns false where somebody looks at the lock: the
// next tick tries again. Throws std::system_error.
bool Jobs::keep(const fs::path& attempt, const std::vector<std::string>& words) {
  fs::create_directories(attempt);
  const auto lock = launcher::lock_run(attempt);
  if (!lock) return false;
  std::vector<std::string> all = {options_.program.string(), "keep", attempt.string(), "--"};
  all.insert(all.end(), words.begin(), words.end());
  starters_.emplace_back(
      SpawnOptions{.arguments = all, .standard_input = lock->get(), .standard_output = kDevNull});
  return true;
}

void Jobs::start(Job& job) {
  const int number = job.attempts() + 1;
  const fs::path folder = job.folder().attempt(number);
  try {
    const bool is_kept =
        job.is_in_cluster() ? start_in_cluster(job, folder) : keep(folder, run_words(job, number));
    if (!is_kept) return;
    job.set_started(job.ranks());
    queue_waits_.add(job.end_queue());
    log(fmt::format("{}: attempt {} starts on {}", job.record().name, number,
                    counted(job.ranks(), "rank")));
  } catch (const std::system_error& error) {
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
