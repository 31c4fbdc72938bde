// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/stopwatch.hpp"
#include "base/terminal/utf8.hpp"
#include "base/time.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/store/database.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::chrono::seconds kBetweenSaves(5);
constexpr std::chrono::seconds kWhileBehind(1);
constexpr auto kTrashAge = std::chrono::hours(7 * 24);

// Whether nothing was asked of a job that came to rest since. The index may not know: it is written
// after the folder, and less safely.
bool has_done_all(const JobFolder& folder, const std::string& state) {
  const auto intents = folder.read_intents();
  if (intents.empty() || intents.back().desired == Desired::stop) return true;
  if (intents.back().desired == Desired::remove || state == state_name(JobState::suspended)) {
    return false;
  }
  return intents.back().first_attempt <= folder.last_attempt();
}

void delete_old(const fs::path& trash) {
  std::error_code error;
  std::vector<fs::path> old;
  const auto limit = fs::file_time_type::clock::now() - kTrashAge;
  for (const auto& entry : fs::directory_iterator(trash, error)) {
    if (entry.last_write_time(error) < limit && !error) old.push_back(entry.path());
  }
  for (const fs::path& path : old) fs::remove_all(path, error);
}

}  // namespace

Jobs::Jobs(JobsOptions options, OnChange on_change)
    : options_(std::move(options)),
      on_change_(std::move(on_change)),
      keys_(options_.folder / "keys") {
  fs::create_directories(options_.folder / "jobs");
  fs::create_directories(trash());
  OpenedIndex opened = open_index(options_.folder / "index.db");
  index_ = std::move(opened.index);
  if (!opened.note.empty()) log_warning(opened.note);
  keys_.forget_old();
  if (!options_.webhook.url.empty()) {
    webhook_ = std::make_unique<Webhook>(options_.webhook, options_.folder / "outbox");
  }
  delete_old(trash());
  try {
    scan();
  } catch (const DatabaseDamaged& damaged) {
    rebuild(damaged.what());
  }
}

Jobs::~Jobs() {
  // Starters end by themselves; what they started stays.
  for (Child& starter : starters_) starter.wait();
}

void Jobs::rebuild(const std::string& why) {
  const fs::path file = options_.folder / "index.db";
  index_.reset();
  active_.clear();
  move_index_aside(file);
  log_info(fmt::format("{} is rebuilt from the folders: {}", file.string(), why));
  index_ = open_index(file).index;
  scan();
}

// Compares the index with the folders.
void Jobs::scan() {
  std::map<std::string, std::string> known = index_->states();
  std::error_code error;
  for (const fs::path& directory : {options_.folder / "jobs", options_.folder}) {
    for (const auto& entry : fs::directory_iterator(directory, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(".new.")) fs::remove_all(entry.path(), error);
      if (name.starts_with(".") || !entry.is_directory(error)) continue;
      const JobFolder folder(entry.path());
      if (!folder.exists()) continue;
      if (active_.contains(name)) {
        known.erase(name);
        continue;
      }
      if (!is_utf8_text(name)) {
        log_warning(fmt::format("{}: is not shown: its name is not UTF-8; give it another name",
                                entry.path().string()));
        continue;
      }
      const auto found = known.find(name);
      adopt(folder, found == known.end() ? "" : found->second);
      if (found != known.end()) known.erase(found);
    }
  }
  for (const auto& [gone, state] : known) {
    change_index([&name = gone](Index& index) { index.remove(name); });
  }
  commit_index();
}

// `known_state`: of the index; empty where it does not have the job.
void Jobs::adopt(const JobFolder& folder, const std::string& known_state) {
  for (const JobState rest : {JobState::succeeded, JobState::failed, JobState::suspended}) {
    if (known_state != state_name(rest) || !folder.is_managed()) continue;
    if (has_done_all(folder, known_state)) return;
  }
  const std::string name = folder.name();
  auto job = known_state.empty()
                 ? std::make_unique<Job>(folder)
                 : std::make_unique<Job>(folder, index_->get(name), index_->series(name));
  job->observe([](const EventRecord&) {});
  // It ended while no server looked.
  const bool has_ended = !known_state.empty() && is_at_rest(job->state().state) &&
                         known_state != state_name(job->state().state);
  if (has_ended) announce_end(*job);
  save(*job);
  if (has_ended || !is_at_rest(job->state().state)) active_[name] = std::move(job);
}

// The series and how far they are read belong together, so rows are saved with them. One that says
// the same has the same series.
void Jobs::save(Job& job) {
  IndexRow row = job.to_row();
  if (job.is_saved(row)) return;
  change_index([&](Index& index) {
    index.put(row, &job.series());
    job.set_saved(std::move(row));
  });
}

// The index may miss a change: the folders have it.
void Jobs::change_index(const std::function<void(Index&)>& work) {
  try {
    work(*index_);
  } catch (const Error& refused) {
    index_->roll_back();
    is_behind_ = true;
    for (const auto& [name, job] : active_) job->set_saved({});
    log_once(fmt::format("the index is behind until the disk takes it: {}", refused.what()));
  }
}

void Jobs::commit_index() {
  const double started = seconds_now();
  change_index([](Index& index) { index.commit(); });
  commits_.add(seconds_now() - started);
}

void Jobs::log_once(const std::string& trouble) {
  if (trouble != trouble_) log_warning(trouble);
  trouble_ = trouble;
}

void Jobs::tick() {
  try {
    reap_starters();
    std::vector<std::string> names;
    for (const auto& [name, job] : active_) {
      // Nothing happens to a job that waits, but what schedule() does.
      if (job->state().state != JobState::queued) names.push_back(name);
    }
    for (const std::string& name : names) {
      try {
        look_at(*active_.at(name));
      } catch (const DatabaseDamaged&) {
        throw;
      } catch (const std::exception& error) {  // the others are looked at all the same
        log_once(fmt::format("{} is looked at again in a moment: {}", name, error.what()));
      }
    }
    schedule();
    adjust_elastic();
    const auto now = std::chrono::steady_clock::now();
    if (now - saved_at_ >= (is_behind_ ? kWhileBehind : kBetweenSaves)) {
      saved_at_ = now;
      if (std::exchange(is_behind_, false)) scan();
      for (const auto& [name, job] : active_) save(*job);
    }
    commit_index();
    let_go();
  } catch (const DatabaseDamaged& damaged) {
    rebuild(damaged.what());
  } catch (const std::exception& error) {  // as where no descriptor is left
    log_once(fmt::format("jobs are looked at again in a moment: {}", error.what()));
  }
}

void Jobs::look_at(Job& job) {
  const std::string name = job.record().name;
  const JobState before = job.state().state;
  const bool changed = job.observe([&](const EventRecord& record) {
    std::visit(
        [&](const auto& event) {
          using Kind = std::decay_t<decltype(event)>;
          if constexpr (std::is_same_v<Kind, StepEvent> || std::is_same_v<Kind, EpochEvent> ||
                        std::is_same_v<Kind, CheckpointEvent> || std::is_same_v<Kind, RanksEvent> ||
                        std::is_same_v<Kind, StartedEvent>) {
            on_change_(Kind::kKind, name,
                       ordered_json::parse(
                           print_event(record.event, record.attempt, record.time.value_or(Time{}))
                               .substr(1)));
          }
        },
        record.event);
  });
  const JobState state = job.state().state;
  if (job.needs_follower()) keep_following(job);
  if (state == JobState::deleting && !job.lives() && !job.needs_follower()) {
    return finish_removal(name);
  }
  if (changed) on_change_("job", name, job.to_json());
  job.pass_on_wish();
  if (state == before) {
    if (is_at_rest(state)) save(job);
    return;
  }
  if (is_at_rest(state)) announce_end(job);
  save(job);
  if (is_at_rest(state)) {
    log_info(fmt::format("{}: {}{}", name, state_name(state),
                         job.state().why.empty() ? "" : ": " + job.state().why));
    on_change_("end", name, job.to_json());
  }
}

}  // namespace ringtrain::server
