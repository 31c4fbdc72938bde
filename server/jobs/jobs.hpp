// SPDX-License-Identifier: Apache-2.0
// All jobs of a server: a folder of them, the index, and the queue of this machine. tick() brings
// what is asked of jobs and what is true of them together: it looks at every job that is not at
// rest, starts the first in the queue for which cores are free, and passes on what has changed.
// Runs are processes of their own (launcher/supervise/keep.hpp): they live on when the server ends,
// and the next one finds them by their locks.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/spawn.hpp"
#include "mpijob/client/access.hpp"
#include "server/jobs/elastic.hpp"
#include "server/jobs/ended_jobs.hpp"
#include "server/jobs/idempotency.hpp"
#include "server/jobs/job.hpp"
#include "server/jobs/submission.hpp"
#include "server/jobs/webhook.hpp"
#include "server/server_folder.hpp"
#include "server/store/index.hpp"
#include "tracking/metrics_text.hpp"

namespace ringtrain::server {

// A cluster in which all jobs run, instead of this machine.
struct ClusterPlace {
  mpijob::AccessOptions access;  // as it was given; followers find the cluster by it, too
  std::string name_space;
  std::string store;    // marks the jobs of this folder there; no other folder has it
  int most_jobs = 100;  // at a time: each has a follower of some MiB
};

struct JobsOptions {
  std::filesystem::path folder;        // of the server; absolute
  std::filesystem::path program = {};  // `ringtrain`
  JobLimits limits = {};
  bool tensorboard = false;  // runs write event files
  WebhookOptions webhook = {};
  // Takes a job that has come to rest, once for each time, also where it did so while no server
  // looked; before the index knows. May be empty.
  std::function<void(const Job& job)> on_end = {};
  std::optional<ClusterPlace> cluster = {};
};

// Takes a change: its kind ("job", "started", "step", "epoch", "ranks", "checkpoint", "end"), the
// job's name, and a JSON object.
using OnChange = std::function<void(const std::string& kind, const std::string& job,
                                    const nlohmann::ordered_json& data)>;

struct SubmittedJob {
  std::string name;
  std::vector<std::string> warnings = {};
  bool is_new = true;  // false: the same request came before
};

// Thread: one at a time. Calls may throw an io error where the disk refuses.
class Jobs {
 public:
  // Opens the index, fills it from the folders where it lacks them, and adopts runs that live.
  Jobs(JobsOptions options, OnChange on_change);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  void tick();

  // Moves a damaged index aside, and makes a new one from the folders.
  void rebuild(const std::string& why);

  // Checks a job and puts it into the queue; it is safe on disk when this returns. `key` is an
  // idempotency key, or empty; `body` is what it was sent with.
  // Throws a Problem: 422 with "errors", 409 where the name is taken, 507 on a full disk.
  SubmittedJob submit(const Submission& submission, const std::string& key,
                      const std::string& body);
  // The same checks, and nothing else.
  CheckedJob check(const Submission& submission) const;

  // Asks a job to stop with a checkpoint, to run again, to end now with its model, or to go. Throws
  // a Problem: 404, or 409 where its state does not allow it.
  nlohmann::ordered_json ask(const std::string& name, Desired desired, const std::string& by);
  // Changes the number of ranks; a job that runs continues on them from a new checkpoint. Throws a
  // Problem, 422 where it cannot run on so many.
  nlohmann::ordered_json scale(const std::string& name, int ranks, const std::string& by);
  // Changes a job's place in the queue: higher priorities come first.
  nlohmann::ordered_json set_priority(const std::string& name, int priority, const std::string& by);
  // Returns what sends a job once more. Throws a Problem 409 where its job file is not known.
  Submission copy_of(const std::string& name);
  // How fast jobs with this model and dataset train, from those that are known here.
  std::vector<RatePoint> known_rates(const std::string& model, const std::string& dataset);
  // The steps and the time of a job that was checked, as far as earlier ones show them.
  nlohmann::ordered_json plan(const CheckedJob& checked);

  // Throw a Problem 404 where there is no such job.
  nlohmann::ordered_json get(const std::string& name);
  SeriesByName series(const std::string& name);
  JobFolder folder(const std::string& name);
  Progress progress(const std::string& name);
  // Returns those of its newest run; empty where that is on this machine.
  std::vector<ClusterPod> pods(const std::string& name);

  // Jobs that read one of the server's datasets, with their states.
  std::map<std::string, std::string> using_dataset(const std::string& dataset);

  ListPage list(const ListQuery& query);
  std::map<std::string, int> count_by_state();
  // Jobs that are not at rest, or that the index does not have as they are.
  const std::map<std::string, std::unique_ptr<Job>>& active() const { return active_; }
  EndedJobs& ended() { return ended_; }
  const tracking::Histogram& queue_waits() const { return queue_waits_; }
  const tracking::Histogram& commits() const { return commits_; }
  int cores() const { return options_.limits.cores; }
  int busy_cores() const;
  // Nothing where jobs run on this machine.
  const std::optional<ClusterPlace>& cluster() const { return options_.cluster; }
  const std::filesystem::path& path() const { return options_.folder; }
  std::vector<std::string> data_folders() const;
  bool runs_scripts() const { return options_.limits.scripts; }
  // Left on the disk of path().
  uintmax_t free_bytes() const;

 private:
  void adopt(const JobFolder& folder, const std::string& known_state);
  void scan();
  void look_at(Job& job);
  void schedule();
  // For which the job will run on its ranks; infinite where nothing is known, or `looks` at earlier
  // jobs are used up.
  double expected_seconds(const Job& job, int& looks);
  void start(Job& job);
  std::vector<std::string> run_words(const Job& job, int number) const;
  bool keep(const Job& job, const std::filesystem::path& attempt,
            const std::vector<std::string>& words);
  void schedule_in_cluster(const std::vector<Job*>& queue);
  bool start_in_cluster(const Job& job, const std::filesystem::path& attempt);
  std::vector<std::string> follow_words(const Job& job) const;
  void keep_following(const Job& job);
  void commit_index();
  void announce_end(const Job& job);
  void close_in_mlflow(const Job& job);
  void let_go();
  void wait(Job& job, const std::string& why, int position);
  void save(Job& job);
  void change_index(const std::function<void(Index&)>& work);
  void log_once(const std::string& trouble);
  void finish_removal(const std::string& name);
  void reap_starters();
  void adjust_elastic();
  std::vector<ElasticJob> elastic_jobs();
  std::vector<nlohmann::ordered_json> similar(const std::string& model, const std::string& dataset);
  Job* find_active(const std::string& name);
  Job& managed(const std::string& name);
  [[noreturn]] void refuse_state(const Job& job, const std::string& possible);
  nlohmann::ordered_json changed(Job& job, bool may_start);
  Job& activate(const std::string& name);
  JobFolder find_folder(const std::string& name) const;
  std::filesystem::path trash() const { return options_.folder / "trash"; }

  const JobsOptions options_;
  const OnChange on_change_;
  std::unique_ptr<Index> index_;
  IdempotencyKeys keys_;
  std::map<std::string, std::unique_ptr<Job>> active_;
  EndedJobs ended_;
  tracking::Histogram queue_waits_{{0.1, 1, 10, 60, 600, 3600, 36000}};  // seconds
  tracking::Histogram commits_{{0.001, 0.005, 0.02, 0.1, 0.5, 2.5}};     // seconds
  std::unique_ptr<Webhook> webhook_;
  std::vector<Child> trackers_;  // each closes a run of MLflow that its launcher has left open
  std::vector<Child> starters_;  // short-lived: each leaves a keeper
  std::map<std::string, std::chrono::steady_clock::time_point> followed_at_;  // by job
  struct Expected {
    double seconds = 0;
    std::chrono::steady_clock::time_point until;
  };
  std::map<std::string, Expected> expected_;  // by job
  std::chrono::steady_clock::time_point saved_at_{};
  std::chrono::steady_clock::time_point adjusted_at_{};
  // The disk has refused changes of the index, which is compared with the folders again.
  bool is_behind_ = false;
  std::string trouble_;  // as it was logged last
};

}  // namespace ringtrain::server
