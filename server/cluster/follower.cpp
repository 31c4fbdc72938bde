// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/follower.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/time.hpp"
#include "job/outcome_file.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/client/watcher.hpp"
#include "mpijob/objects/delete_job.hpp"
#include "mpijob/objects/job_text.hpp"
#include "mpijob/objects/render.hpp"
#include "mpijob/objects/submit_job.hpp"
#include "mpijob/status/job_status.hpp"
#include "server/cluster/cluster_run.hpp"
#include "server/cluster/launcher_logs.hpp"
#include "server/cluster/mpijob_facts.hpp"
#include "server/now_text.hpp"

namespace ringtrain::server {
namespace {

using mpijob::ApiError;
using mpijob::Watch;
using nlohmann::json;

constexpr std::chrono::milliseconds kLook(500);
constexpr std::chrono::seconds kPause(2);
// For the pods of a job that is deleted.
constexpr std::chrono::seconds kForPods(60);

bool is_temporary(const ApiError& error) {
  return error.status() == 0 || error.status() == 429 || error.status() >= 500;
}

class Follower {
 public:
  explicit Follower(const FollowerOptions& options)
      : options_(options),
        read_(mpijob::read_job(options.job_file, options.overrides)),
        name_(read_.job.name),
        client_(mpijob::find_access(options.cluster)),
        selected_("training.kubeflow.org/job-name=" + name_),
        copy_(options.folder),
        logs_(client_, copy_),
        jobs_(mpijob::mpi_jobs, {"", "metadata.name=" + name_}),
        launchers_(mpijob::batch_jobs, {"", "metadata.name=" + name_ + "-launcher"}),
        pods_(mpijob::pods, {selected_, ""}),
        events_(mpijob::events, {"", "type!=Normal"}),
        watcher_(client_, {&jobs_, &launchers_, &pods_, &events_}) {
    run_ = read_cluster_run(options.folder).value_or(ClusterRun{});
    run_.name_space = client_.name_space();
  }

  int run() {
    for (;;) {
      try {
        if (options_.remove) return remove();
        if (const auto ended = take_up()) return *ended;
        return follow();
      } catch (const ApiError& error) {
        if (!is_temporary(error)) throw;
        say("Pending", "NoApiServer", error.what());
        std::this_thread::sleep_for(kPause);
      }
    }
  }

 private:
  bool is_ours(const json& job) const {
    return mpijob::look_text(job, {"metadata", "annotations", kMarkAnnotation}) == options_.mark;
  }

  ClusterWish wish() const { return read_cluster_wish(options_.folder).value_or(ClusterWish{}); }

  void save() {
    if (run_ == saved_) return;
    write_cluster_run(options_.folder, run_);
    saved_ = run_;
  }

  void say(const std::string& state, const std::string& reason, const std::string& why) {
    run_.state = state;
    run_.reason = reason;
    run_.why = why;
    save();
  }

  // Finds the MPIJob, or makes it. Returns the exit code where there is nothing to follow.
  std::optional<int> take_up() {
    auto there = client_.find(mpijob::mpi_jobs, name_);
    if (there && !is_ours(*there)) {
      throw job_error(fmt::format(
          "namespace {0} has an MPIJob {1} already, which is not of this job: 'kubectl -n {0} "
          "delete mpijob {1}' removes it, or send the job under another name",
          client_.name_space(), name_));
    }
    if (!run_.uid.empty()) {
      if (!there || uid_of(*there) != run_.uid) return gone();
      return std::nullopt;
    }
    const ClusterWish wanted = wish();
    if (there && has_ended(*there)) {  // of an earlier attempt
      mpijob::delete_job(client_, name_, {kForPods, false});
      there.reset();
    }
    if (!there && (wanted.suspend || wanted.remove)) return end(RunStatus::cancelled, "");
    if (there) {
      run_.earlier_pods = ended_launchers(client_.list(mpijob::pods, {selected_, ""}));
    } else {
      mpijob::submit_job(client_, objects());
      there = client_.get(mpijob::mpi_jobs, name_);
    }
    run_.uid = uid_of(*there);
    run_.started = now_text();
    save();
    return std::nullopt;
  }

  std::vector<nlohmann::ordered_json> objects() const {
    auto made = mpijob::render(read_);
    for (auto& object : made) {
      object["metadata"]["namespace"] = client_.name_space();
      if (object["kind"] == "MPIJob") {
        object["metadata"]["annotations"][kMarkAnnotation] = options_.mark;
      }
    }
    return made;
  }

  int follow() {
    for (;;) {
      watcher_.wait(kLook);
      if (!is_listed()) {
        if (!watcher_.problem().empty()) say(run_.state, "NoApiServer", watcher_.problem());
        continue;
      }
      if (jobs_.objects().empty()) {
        if (!client_.find(mpijob::mpi_jobs, name_)) return gone();
        continue;
      }
      const json job = jobs_.objects().begin()->second;
      if (uid_of(job) != run_.uid) return gone();
      logs_.follow(pods_.list(), run_.earlier_pods);
      const ClusterWish wanted = wish();
      obey(job, wanted);
      const mpijob::JobStatus status = judge(job);
      publish(status);
      if (status.has_ended()) return finish(status);
      if (wanted.remove) return remove();
      if (wanted.suspend && status.state == "Suspended") return end(RunStatus::cancelled, "");
      if (status.is_hopeless()) return end(RunStatus::failed, status.why, kExitFailed);
    }
  }

  // Whether every list has come once.
  bool is_listed() const {
    return !jobs_.must_list() && !launchers_.must_list() && !pods_.must_list() &&
           !events_.must_list();
  }

  mpijob::JobStatus judge(const json& job) const {
    const auto launchers = launchers_.list();
    const mpijob::TrainingLog& log = logs_.training();
    return mpijob::judge(
        {job, launchers.empty() ? json() : launchers.front(), pods_.list(), events_.list()},
        {log.is_training(), log.cause()}, std::chrono::system_clock::now());
  }

  // Makes the MPIJob as it is wished to be.
  void obey(const json& job, const ClusterWish& wanted) {
    json changes = json::object();
    const bool is_suspended = mpijob::look_flag(job, {"spec", "runPolicy", "suspend"});
    const bool has_wish = read_cluster_wish(options_.folder).has_value();
    if (has_wish && is_suspended != wanted.suspend && !is_of_kueue(job)) {
      changes["spec"]["runPolicy"]["suspend"] = wanted.suspend;
    }
    const auto workers =
        mpijob::look_number(job, {"spec", "mpiReplicaSpecs", "Worker", "replicas"});
    if (wanted.workers > 0 && workers != wanted.workers) {
      changes["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] = wanted.workers;
      // A gang waits forever for more pods than there are.
      const auto gang =
          mpijob::look_number(job, {"spec", "runPolicy", "schedulingPolicy", "minAvailable"});
      if (gang > wanted.workers) {
        changes["spec"]["runPolicy"]["schedulingPolicy"]["minAvailable"] = wanted.workers;
      }
    }
    if (!changes.empty()) client_.patch(mpijob::mpi_jobs, name_, changes);
  }

  void publish(const mpijob::JobStatus& status) {
    run_.pods.clear();
    for (const mpijob::PodStatus& pod : status.pods) {
      run_.pods.push_back({pod.name, pod.role, pod.node, pod.state, pod.restarts, pod.problem});
    }
    if (!watcher_.problem().empty()) {
      return say(run_.state, "NoApiServer",
                 fmt::format("what is shown may be out of date: {}", watcher_.problem()));
    }
    say(status.state, status.reason, status.why);
  }

  int finish(const mpijob::JobStatus& status) {
    // Its log is whole once its pod has ended; a node that does not answer is not waited for.
    for (int tries = 0; tries < 10; ++tries) {
      if (logs_.training().result() || status.state != "Succeeded") break;
      watcher_.wait(kLook);
      logs_.follow(pods_.list(), run_.earlier_pods);
    }
    logs_.follow(pods_.list(), run_.earlier_pods);
    if (status.state == "Succeeded") return end(RunStatus::finished, "", 0);
    const auto code = exit_code_of(mpijob::newest_launcher(pods_.list()));
    return end(RunStatus::failed, status.why, code && *code != 0 ? code : kExitFailed);
  }

  int gone() {
    if (wish().remove) return remove();
    if (logs_.training().result()) return end(RunStatus::finished, "", 0);
    run_.pods.clear();
    return end(RunStatus::failed,
               fmt::format("its MPIJob was deleted from namespace {} by somebody else; 'ringtrain "
                           "resume {}' makes it again, from the newest checkpoint",
                           client_.name_space(), name_),
               kExitFailed);
  }

  int remove() {
    const auto there = client_.find(mpijob::mpi_jobs, name_);
    if (there && is_ours(*there)) {
      mpijob::delete_job(client_, name_, {kForPods, true});
    }
    set_removed_from_cluster(options_.folder);
    if (read_outcome(options_.folder / "outcome.json")) return 0;
    return end(RunStatus::cancelled, "");
  }

  int end(RunStatus status, const std::string& cause, std::optional<int> code = {}) {
    save();
    const Time now = std::chrono::system_clock::now();
    write_outcome(options_.folder / "outcome.json",
                  {.status = status,
                   .exit_code = code,
                   .cause = cause,
                   .attempts = 1,
                   .started = parse_time(run_.started).value_or(now),
                   .ended = now});
    return code.value_or(0);
  }

  const FollowerOptions& options_;
  const mpijob::JobAndText read_;
  const std::string name_;
  mpijob::ApiClient client_;
  const std::string selected_;
  LogCopy copy_;
  LauncherLogs logs_;
  Watch jobs_;
  Watch launchers_;
  Watch pods_;
  Watch events_;
  mpijob::Watcher watcher_;
  ClusterRun run_;
  ClusterRun saved_;
};

}  // namespace

int follow_run(const FollowerOptions& options) { return Follower(options).run(); }

}  // namespace ringtrain::server
