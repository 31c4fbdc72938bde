// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/job_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/status/diagnosis.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

constexpr const char* kRoleLabel = "training.kubeflow.org/job-role";
constexpr const char* kIndexLabel = "training.kubeflow.org/replica-index";
constexpr const char* kQueueLabel = "kueue.x-k8s.io/queue-name";

const json no_pod;  // null

bool is_launcher(const json& pod) { return label_of(pod, kRoleLabel) == "launcher"; }

std::string pod_state(const json& pod) {
  std::string phase = look_text(pod, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") return phase;
  if (look(pod, {"metadata", "deletionTimestamp"}).is_string()) return "Terminating";
  if (phase == "Running") return has_condition(pod, "Ready") ? "Running" : "NotReady";
  return has_condition(pod, "PodScheduled") ? "Starting" : "Pending";
}

int64_t restarts_of(const json& pod) {
  int64_t sum = 0;
  const json& containers = look(pod, {"status", "containerStatuses"});
  if (!containers.is_array()) return 0;
  for (const json& container : containers) sum += look_number(container, {"restartCount"});
  return sum;
}

PodStatus status_of(const json& pod, const std::vector<json>& events, Time now) {
  PodStatus status;
  status.name = name_of(pod);
  status.role = label_of(pod, kRoleLabel);
  status.index = whole_number(label_of(pod, kIndexLabel)).value_or(0);
  status.node = look_text(pod, {"spec", "nodeName"});
  status.state = pod_state(pod);
  status.restarts = restarts_of(pod);
  if (const auto problem = pod_problem(pod, events, now)) {
    status.reason = problem->reason;
    status.problem = problem->line;
  }
  return status;
}

class Judgement {
 public:
  Judgement(const JobObjects& objects, const LauncherState& log, Time now)
      : objects_(objects), job_(objects.mpijob), log_(log), now_(now) {}

  JobStatus decide() {
    status_.name = name_of(job_);
    status_.name_space = look_text(job_, {"metadata", "namespace"});
    status_.created = parse_time(look_text(job_, {"metadata", "creationTimestamp"}));
    status_.started = parse_time(look_text(job_, {"status", "startTime"}));
    status_.finished = parse_time(look_text(job_, {"status", "completionTime"}));
    status_.workers =
        static_cast<int>(look_number(job_, {"spec", "mpiReplicaSpecs", "Worker", "replicas"}));
    add_pods();
    decide_state();
    return std::move(status_);
  }

 private:
  void say(const std::string& state, const std::string& reason = "", const std::string& why = "") {
    status_.state = state;
    status_.reason = reason;
    status_.why = why;
  }
  void say(const std::string& state, const Problem& problem) {
    say(state, problem.reason, problem.line);
  }

  void add_pods() {
    const json& launcher = newest_launcher(objects_.pods);
    if (launcher.is_object()) {
      status_.pods.push_back(status_of(launcher, objects_.events, now_));
    }
    const size_t first = status_.pods.size();
    for (const json& pod : objects_.pods) {
      if (is_launcher(pod)) continue;
      status_.pods.push_back(status_of(pod, objects_.events, now_));
      if (status_.pods.back().state == "Running") ++status_.workers_running;
    }
    std::sort(status_.pods.begin() + static_cast<std::ptrdiff_t>(first), status_.pods.end(),
              [](const PodStatus& a, const PodStatus& b) { return a.index < b.index; });
  }

  const PodStatus* launcher() const {
    const bool there = !status_.pods.empty() && status_.pods.front().role == "launcher";
    return there ? &status_.pods.front() : nullptr;
  }

  void decide_state() {
    const bool suspend = look_flag(job_, {"spec", "runPolicy", "suspend"});
    // An eviction alone sets Failed, while the launcher may continue: it counts with an end time.
    const bool job_failed = has_condition(objects_.launcher_job, "Failed");
    if (look(job_, {"metadata", "deletionTimestamp"}).is_string()) {
      decide_deleting();
    } else if (has_condition(job_, "Succeeded")) {
      say("Succeeded");
    } else if (has_condition(job_, "Failed") && (status_.finished || job_failed)) {
      say("Failed", failure());
    } else if (!rejected()) {
      suspend ? decide_suspended() : decide_active();
    }
  }

  void decide_deleting() {
    say("Deleting");
    for (const PodStatus& pod : status_.pods) {
      if (!pod.problem.empty()) {
        return say("Deleting", pod.reason, fmt::format("{}: {}", pod.name, pod.problem));
      }
    }
  }

  // The operator reports a job that it rejects by an event alone.
  bool rejected() {
    const json& event = newest_event(objects_.events, "MPIJob", status_.name, {"ValidationError"});
    if (event.is_null() || has_condition(job_, "Created")) return false;
    std::string message = look_text(event, {"message"});
    if (const auto colon = message.find(": "); message.starts_with("Found validation errors")) {
      message = message.substr(colon + 2);
    }
    say("Invalid", "ValidationError",
        fmt::format(
            "the MPI operator rejects the job: {}; delete it, correct it and submit it again",
            message));
    return true;
  }

  void decide_suspended() {
    if (!status_.pods.empty()) return say("Suspending");
    const std::string queue = label_of(job_, kQueueLabel);
    if (!queue.empty()) {
      return say("Suspended", "Queued",
                 fmt::format("waiting in Kueue's queue {} (kubectl get workloads)", queue));
    }
    say("Suspended", "Suspended",
        fmt::format("holds no resources; 'ringtrain resume {}' resumes from its newest checkpoint",
                    status_.name));
  }

  void decide_active() {
    if (!has_condition(job_, "Created") && is_unseen()) return;
    const PodStatus* const head = launcher();
    // The condition stays, with status False, when workers are lost; a suspension sets it, too.
    const json& running = condition(job_, "Running");
    const bool had_begun = log_.training || (running.is_object() &&
                                             look_text(running, {"reason"}) != "MPIJobSuspended");
    const char* const stopped = had_begun ? "Restarting" : "Pending";

    for (const PodStatus& pod : status_.pods) {
      if (pod.role == "launcher" || pod.problem.empty()) continue;
      return say(log_.training ? "Running" : stopped, pod.reason,
                 fmt::format("{}: {}", pod.name, pod.problem));
    }
    if (decide_creation(stopped)) return;
    if (head != nullptr && !head->problem.empty()) {
      return say(stopped, head->reason, fmt::format("{}: {}", head->name, head->problem));
    }
    if (log_.training && head != nullptr && head->state == "Running") return say("Running");
    if (status_.workers_running < status_.workers) {
      return say(stopped, "WorkersNotReady",
                 fmt::format("{} of {} ready", status_.workers_running,
                             counted(status_.workers, "worker")));
    }
    if (head != nullptr && head->state == "Running") return say("Starting");
    say(stopped, "LauncherNotReady", "the launcher's pod is being created");
  }

  // Looks for pods that are missing because their creation failed.
  bool decide_creation(const char* state) {
    const auto count = static_cast<int>(
        std::count_if(status_.pods.begin(), status_.pods.end(),
                      [](const PodStatus& pod) { return pod.role != "launcher"; }));
    const json* event = &no_pod;
    if (count < status_.workers) {
      event = &newest_event(objects_.events, "MPIJob", status_.name, {"MPIJobFailed"});
    } else if (launcher() == nullptr) {
      event = &newest_event(objects_.events, "Job", status_.name + "-launcher", {"FailedCreate"});
    }
    // The controller tries again with growing pauses, so an older failure no longer counts.
    const auto at = event_time(*event);
    if (!at || now_ - *at > std::chrono::minutes(20)) return false;
    say(state, creation_problem(look_text(*event, {"message"})));
    return true;
  }

  bool is_unseen() {
    const std::string managed_by = look_text(job_, {"spec", "runPolicy", "managedBy"});
    if (!managed_by.empty() && managed_by != "kubeflow.org/mpi-operator") {
      say("Pending", "ManagedElsewhere",
          fmt::format("it is managed by {}, not by the MPI operator", managed_by));
      return true;
    }
    const bool any_event =
        std::any_of(objects_.events.begin(), objects_.events.end(), [&](const json& event) {
          return look_text(event, {"involvedObject", "name"}) == status_.name;
        });
    if (any_event || !status_.pods.empty()) return false;
    if (status_.created && now_ - *status_.created < std::chrono::seconds(15)) {
      say("Pending", "New", "the MPI operator has not seen it yet");
    } else {
      say("Pending", "NoOperator",
          fmt::format(
              "the MPI operator has not seen it: is the operator running, and does it watch "
              "namespace {}? (kubectl -n mpi-operator get pods)",
              status_.name_space));
    }
    return true;
  }

  Problem failure() const {
    const std::string job_reason =
        look_text(condition(objects_.launcher_job, "Failed"), {"reason"});
    if (job_reason == "DeadlineExceeded") {
      return {"DeadlineExceeded",
              "it ran for longer than kubernetes.deadline_seconds: raise that, and submit it again "
              "to resume from the newest checkpoint"};
    }
    if (const PodStatus* const head = launcher(); head != nullptr && !head->problem.empty()) {
      const bool silent = head->problem.find(": ") == std::string::npos;
      return {head->reason,
              fmt::format("{}: {}{}{}", head->name, head->problem,
                          silent && !log_.cause.empty() ? ": " : "", silent ? log_.cause : "")};
    }
    const json& failed = condition(job_, "Failed");
    std::string message = look_text(failed, {"message"});
    if (message.empty()) message = look_text(failed, {"reason"});
    return {look_text(failed, {"reason"}), message};
  }

  const JobObjects& objects_;
  const json& job_;
  const LauncherState& log_;
  const Time now_;
  JobStatus status_;
};

}  // namespace

const json& newest_launcher(const std::vector<json>& pods) {
  const json* newest = &no_pod;
  const auto made = [](const json& pod) {
    return look_text(pod, {"metadata", "creationTimestamp"});
  };
  for (const json& pod : pods) {
    if (!is_launcher(pod)) continue;
    if (newest->is_null() || made(pod) > made(*newest)) newest = &pod;
  }
  return *newest;
}

JobStatus judge(const JobObjects& objects, const LauncherState& log, Time now) {
  return Judgement(objects, log, now).decide();
}

}  // namespace ringtrain::mpijob
