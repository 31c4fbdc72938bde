// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/change_commands.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "launcher/commands/cluster_options.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/objects/delete_job.hpp"
#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/job_watch.hpp"

namespace ringtrain::launcher {
namespace {

using mpijob::ApiClient;
using nlohmann::json;

struct ChangeOptions {
  std::string name;
  int workers = 0;
  int seconds = 120;
  bool force = false;
};

bool has_ended(const json& job) {
  return mpijob::has_condition(job, "Succeeded") || mpijob::has_condition(job, "Failed");
}

void set_suspend(ApiClient& client, const std::string& name, bool suspend) {
  const json job = client.get(mpijob::mpi_jobs, name);
  if (has_ended(job)) {
    throw job_error(
        fmt::format("{} has ended: 'ringtrain delete {}' removes it, and submitting it "
                    "again resumes from its newest checkpoint",
                    name, name));
  }
  const std::string queue = mpijob::label_of(job, "kueue.x-k8s.io/queue-name");
  if (!queue.empty()) {
    throw job_error(fmt::format(
        "{} is in Kueue's queue {}, which alone starts and stops it: set spec.active of its "
        "Workload to {} (kubectl get workloads)",
        name, queue, suspend ? "false" : "true"));
  }
  client.patch(mpijob::mpi_jobs, name, {{"spec", {{"runPolicy", {{"suspend", suspend}}}}}});
}

// "at step 120 of 400": the progress that a stop interrupts.
std::string last_step(const mpijob::TrainingLog& log) {
  if (!log.step()) return "before its first step";
  return fmt::format("at step {} of {}", log.step()->step, log.step()->steps);
}

void stop(ApiClient& client, const ChangeOptions& options) {
  mpijob::JobObserver observer(client, options.name);
  set_suspend(client, options.name, true);
  std::string where = last_step(observer.log());
  const Deadline deadline(std::chrono::seconds(options.seconds));
  for (;;) {
    const mpijob::JobStatus status = observer.status();
    if (observer.log().step()) where = last_step(observer.log());
    if (status.state == "Suspended") break;
    if (deadline.passed()) {
      throw std::runtime_error(
          fmt::format("{} was asked to stop, but still has pods after {} s: {}", options.name,
                      options.seconds, mpijob::status_line(mpijob::picture_of(observer))));
    }
    observer.wait(std::chrono::milliseconds(1000));
  }
  fmt::print(
      "{0} stopped {1}; 'ringtrain resume {0}' resumes from its newest checkpoint, "
      "'ringtrain delete {0}' removes it\n",
      options.name, where);
}

void scale(ApiClient& client, const ChangeOptions& options) {
  const json job = client.get(mpijob::mpi_jobs, options.name);
  if (has_ended(job)) throw job_error(fmt::format("{} has ended", options.name));
  const std::string longest = fmt::format("{}-worker-{}", options.name, options.workers - 1);
  if (longest.size() > 63) {
    throw job_error(fmt::format("{} is too long a name for {}: {} has more than 63 characters",
                                options.name, counted(options.workers, "worker"), longest));
  }
  json changes = {{"spec", {{"mpiReplicaSpecs", {{"Worker", {{"replicas", options.workers}}}}}}}};
  // A gang waits forever for more pods than there are.
  const auto gang = mpijob::look_number(
      job, {"spec", "runPolicy", "schedulingPolicy", "minAvailable"}, options.workers);
  if (gang > options.workers) {
    changes["spec"]["runPolicy"]["schedulingPolicy"]["minAvailable"] = options.workers;
  }
  const auto before = mpijob::look_number(job, {"spec", "mpiReplicaSpecs", "Worker", "replicas"});
  client.patch(mpijob::mpi_jobs, options.name, changes);
  fmt::print("{}: {} instead of {}; 'ringtrain status {}' shows them come and go\n", options.name,
             counted(options.workers, "worker"), before, options.name);
}

// Adds a command that changes one job.
template <typename Act>
CLI::App* add(CLI::App& app, const char* name, const char* what,
              const std::shared_ptr<ChangeOptions>& options, Act act) {
  CLI::App* const command = app.add_subcommand(name, what);
  const auto cluster = add_cluster_options(*command);
  add_job_name(*command, options->name);
  command->callback([cluster, options, act] {
    ApiClient client(mpijob::find_access(*cluster));
    act(client, *options);
  });
  return command;
}

void add_timeout(CLI::App& command, int& seconds) {
  command.add_option("--timeout", seconds, "How long to wait for the job's pods to end")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str()
      ->type_name("SECONDS");
}

}  // namespace

void add_change_commands(CLI::App& app) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App* command = add(
      app, "stop",
      "Stop a job so that it can be resumed: ranks get SIGTERM, and the job's pods are gone when "
      "the command returns",
      options, stop);
  add_timeout(*command, options->seconds);

  add(app, "suspend", "Stop a job without waiting for its pods to end",
      std::make_shared<ChangeOptions>(), [](ApiClient& client, const ChangeOptions& given) {
        set_suspend(client, given.name, true);
        fmt::print("{0} suspends; 'ringtrain resume {0}' resumes from its newest checkpoint\n",
                   given.name);
      });

  add(app, "resume", "Resume a job that was stopped or suspended",
      std::make_shared<ChangeOptions>(), [](ApiClient& client, const ChangeOptions& given) {
        set_suspend(client, given.name, false);
        fmt::print("{0} resumes; 'ringtrain status --watch {0}' shows it\n", given.name);
      });

  options = std::make_shared<ChangeOptions>();
  command =
      add(app, "scale", "Change the number of a job's workers; ranks restart from a checkpoint",
          options, scale);
  command->add_option("workers", options->workers, "The new number of workers")
      ->required()
      ->check(CLI::Range(1, 65536))
      ->type_name("N");

  options = std::make_shared<ChangeOptions>();
  command = add(
      app, "delete", "Delete a job with everything that belongs to it; volumes and their data stay",
      options, [](ApiClient& client, const ChangeOptions& given) {
        mpijob::delete_job(client, given.name, {std::chrono::seconds(given.seconds), given.force});
        fmt::print("{} is deleted\n", given.name);
      });
  add_timeout(*command, options->seconds);
  command->add_flag("--force", options->force,
                    "Do not wait for pods on nodes that do not answer: they may still run there");
}

}  // namespace ringtrain::launcher
