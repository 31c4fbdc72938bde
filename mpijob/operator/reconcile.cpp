// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/reconcile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/operator/resource_status.hpp"
#include "mpijob/operator/step_jobs.hpp"
#include "mpijob/operator/step_state.hpp"
#include "mpijob/status/job_status.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

bool has_job_ended(const json& job) {
  return has_condition(job, "Complete") || has_condition(job, "Failed") ||
         has_condition(job, "Succeeded");
}

const char* phase_of(Step step) {
  switch (step) {
    case Step::build:
      return "Building";
    case Step::split:
      return "Splitting";
    case Step::update:
      break;
  }
  return "Updating";
}

class Reconciliation {
 public:
  Reconciliation(const ObservedResource& observed, const OperatorSettings& settings)
      : seen_(observed), settings_(settings), status_(observed.resource, observed.now) {
    identity_.name = name_of(seen_.resource);
    identity_.uid = look_text(seen_.resource, {"metadata", "uid"});
  }

  Plan run() {
    if (look(seen_.resource, {"metadata", "deletionTimestamp"}).is_string()) {
      remove_all();
    } else if (status_.has_ended()) {
      remove_unfinished();
    } else {
      add_finalizer();
      proceed();
    }
    plan_.status = status_patch(look(seen_.resource, {"status"}), status_.value());
    return std::move(plan_);
  }

 private:
  // Deletion ---------------------------------------------------------------------------------

  void remove_all() {
    const json& finalizers = look(seen_.resource, {"metadata", "finalizers"});
    if (std::find(finalizers.begin(), finalizers.end(), kFinalizer) == finalizers.end()) return;
    bool left = false;
    if (is_ours(seen_.mpijob)) left = remove(mpi_jobs, seen_.mpijob);
    for (const json& job : seen_.jobs) left = (is_ours(job) && remove(batch_jobs, job)) || left;
    for (const json& map : seen_.config_maps) {
      left = (is_our_map(map) && remove(config_maps, map)) || left;
    }
    // A resource of the same name must not meet pods of this one.
    const bool foreign = seen_.mpijob.is_object() && !is_ours(seen_.mpijob);
    const json* pod = nullptr;
    for (const json& one : seen_.pods) {
      if (!foreign || label_of(one, kResourceLabel) == identity_.name) pod = &one;
    }
    if (pod != nullptr) {
      const auto problem = pod_problem(*pod, seen_.events, seen_.now);
      status_.say("Deleting", problem ? problem->reason : "",
                  problem ? fmt::format("{}: {}", name_of(*pod), problem->line) : "");
      return;
    }
    if (left) return status_.say("Deleting");
    plan_.finalizers = json::array();
    for (const json& one : finalizers) {
      if (one != kFinalizer) plan_.finalizers.push_back(one);
    }
  }

  // Returns true: the object is there until a later call no longer sees it.
  bool remove(const Resource& resource, const json& object) {
    if (!look(object, {"metadata", "deletionTimestamp"}).is_string()) {
      plan_.remove.emplace_back(resource, name_of(object));
    }
    return true;
  }

  void remove_unfinished() {
    for (const json& job : seen_.jobs) {
      if (is_ours(job) && !has_job_ended(job)) remove(batch_jobs, job);
    }
    if (is_ours(seen_.mpijob) && !has_job_ended(seen_.mpijob)) remove(mpi_jobs, seen_.mpijob);
  }

  // Training ---------------------------------------------------------------------------------

  void add_finalizer() {
    const json& finalizers = look(seen_.resource, {"metadata", "finalizers"});
    if (std::find(finalizers.begin(), finalizers.end(), kFinalizer) != finalizers.end()) return;
    plan_.finalizers = finalizers.is_array() ? finalizers : json::array();
    plan_.finalizers.push_back(kFinalizer);
  }

  void proceed() {
    if (!read()) return;
    ensure_map(parameters_map(resource_));
    if (!do_step(Step::build, kModelBuilt)) return;
    if (!do_step(Step::split, kDataSplit)) return;
    if (!train()) return;
    if (!do_step(Step::update, kComplete)) return;
    status_.say("Succeeded");
    status_.end();
  }

  // Reads the fields and renders the job, so that everything wrong with them is refused before a
  // pod is made. An annotation that is broken later does not end a training.
  bool read() {
    try {
      resource_ = read_train_in_kube(seen_.resource);
      const SplitResult split = status_.split();
      job_ = training_job(resource_, settings_.defaults, split.train_rows > 0 ? &split : nullptr);
      objects_ = training_objects(resource_, job_);
      return true;
    } catch (const Error& error) {
      if (is_ours(seen_.mpijob)) {
        status_.say(look_text(status_.value(), {"phase"}), "InvalidSpec", error.what());
      } else {
        fail("InvalidSpec", error.what());
      }
      return false;
    }
  }

  void ensure_map(const nlohmann::ordered_json& map) {
    const std::string name = map.at("metadata").at("name").get<std::string>();
    const bool there =
        std::any_of(seen_.config_maps.begin(), seen_.config_maps.end(),
                    [&](const json& one) { return name_of(one) == name && is_our_map(one); });
    if (!there) plan_.create.push_back(map);
  }

  // Returns whether the step is complete, now or in an earlier call.
  bool do_step(Step step, const char* condition) {
    if (status_.has(condition)) return true;
    const std::string name = name_of_step(resource_, step);
    const auto found = std::find_if(seen_.jobs.begin(), seen_.jobs.end(), [&](const json& job) {
      return name_of(job) == name && is_ours(job);
    });
    if (found == seen_.jobs.end()) {
      plan_.create.push_back(step_job(resource_, job_, step));
      status_.say(phase_of(step));
      return false;
    }
    const StepState state =
        step_state(*found, seen_.pods, seen_.events, seen_.now, settings_.patience);
    if (state.failed) {
      fail(state.reason, fmt::format("{}: {}", name, state.why));
      return false;
    }
    if (!state.complete) {
      status_.say(phase_of(step), state.reason, state.why);
      return false;
    }
    if (step == Step::split && !take_split(*found)) return false;
    status_.reach(condition, "Done", fmt::format("Job {} is complete", name));
    return true;
  }

  bool take_split(const json& job) {
    const auto split = split_result(resource_, seen_.pods);
    status_.say(phase_of(Step::split));
    if (!split) {
      remove(batch_jobs, job);  // its pod is gone, and the findings with it
      return false;
    }
    status_.set_split(*split);
    return read();
  }

  bool train() {
    if (status_.has(kTrained)) return true;
    if (seen_.mpijob.is_null()) {
      plan_.submit = objects_;
      status_.say("Training", "New", "the MPIJob is being created");
      return false;
    }
    if (!is_ours(seen_.mpijob)) {
      status_.say("Training", "NameTaken",
                  fmt::format("MPIJob {0} exists already and is not this resource's: delete it, or "
                              "give the TrainInKube another name",
                              resource_.name));
      return false;
    }
    // The MPIJob's pods read it when they start again.
    for (const auto& object : objects_) {
      if (object.at("kind") == "ConfigMap") ensure_map(object);
    }
    const JobStatus job = judge({seen_.mpijob, seen_.launcher_job, training_pods(), seen_.events},
                                {seen_.log.is_training(), seen_.log.cause()}, seen_.now);
    status_.set_progress(seen_.log);
    if (job.state == "Succeeded") {
      status_.reach(kTrained, "Done", fmt::format("MPIJob {} is complete", resource_.name));
      return true;
    }
    if (job.state == "Failed" || job.is_hopeless()) {
      fail(job.reason, job.why);
      return false;
    }
    for (const json& pod : training_pods()) {
      const auto problem = pod_problem(pod, seen_.events, seen_.now);
      if (problem && is_hopeless(pod, *problem, seen_.now, settings_.patience)) {
        fail(problem->reason, fmt::format("{}: {}", name_of(pod), problem->line));
        return false;
      }
    }
    const bool suspended = job.state == "Suspended" || job.state == "Suspending";
    const std::string why = job.why.empty() && job.state != "Running" ? job.state : job.why;
    status_.say(suspended ? "Suspended" : "Training", job.reason, why);
    return false;
  }

  std::vector<json> training_pods() const {
    std::vector<json> pods;
    for (const json& pod : seen_.pods) {
      if (label_of(pod, kResourceLabel).empty()) pods.push_back(pod);
    }
    return pods;
  }

  void fail(const std::string& reason, const std::string& why) {
    status_.say("Failed", reason, why);
    status_.reach(kFailed, reason.empty() ? "Failed" : reason, why);
    status_.end();
    remove_unfinished();
  }

  bool is_ours(const json& object) const { return belongs_to(object, identity_); }

  // submit_job() gives the MPIJob's ConfigMap to the MPIJob.
  bool is_our_map(const json& map) const {
    const json& owners = look(map, {"metadata", "ownerReferences"});
    const bool of_mpijob =
        owners.is_array() && !owners.empty() && look_text(owners[0], {"kind"}) == "MPIJob";
    return is_ours(map) || of_mpijob;
  }

  const ObservedResource& seen_;
  const OperatorSettings& settings_;
  ResourceStatus status_;
  TrainInKube identity_;  // name and uid alone
  TrainInKube resource_;
  JobSpec job_;
  std::vector<nlohmann::ordered_json> objects_;
  Plan plan_;
};

}  // namespace

Plan reconcile(const ObservedResource& observed, const OperatorSettings& settings) {
  return Reconciliation(observed, settings).run();
}

}  // namespace ringtrain::mpijob
