// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/change_commands.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "launcher/commands/jobs/cluster_options.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/objects/delete_job.hpp"
#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/job_watch.hpp"
#include "server/client/change.hpp"
#include "server/client/remote_server.hpp"

namespace ringtrain::launcher {
namespace {

using mpijob::ApiClient;
using nlohmann::json;

struct ChangeOptions {
  std::string name;
  int workers = 0;
  int seconds = 120;
  bool force = false;
  bool json = false;
};

// Prints what has happened.
void report(const ChangeOptions& options, const std::string& state, const std::string& line) {
  const nlohmann::ordered_json shown = {{"name", options.name}, {"state", state}};
  fmt::print("{}\n", options.json ? shown.dump(2) : line);
}

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
  report(options, "Suspended",
         fmt::format("{0} stopped {1}; 'ringtrain resume {0}' resumes from its newest checkpoint, "
                     "'ringtrain delete {0}' removes it",
                     options.name, where));
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
  report(options, "Scaled",
         fmt::format("{}: {} instead of {}; 'ringtrain status {}' shows them come and go",
                     options.name, counted(options.workers, "worker"), before, options.name));
}

// Does the same on a server.
using ActOnServer = void (*)(server::RemoteServer& remote, const ChangeOptions& options);

server::RemoteChange change_of(const ChangeOptions& options) {
  return {options.name, std::chrono::seconds(options.seconds), options.json};
}

// Adds a command that changes one job.
template <typename Act>
CLI::App* add(CLI::App& app, const char* name, const char* what,
              const std::shared_ptr<ChangeOptions>& options, Act act, ActOnServer act_on_server) {
  CLI::App* const command = app.add_subcommand(name, what);
  const auto cluster = add_cluster_options(*command);
  const auto place = add_server_option(*command);
  add_job_name(*command, options->name);
  command->add_flag("--json", options->json, "Print the result as JSON");
  command->callback([cluster, place, options, act, act_on_server] {
    if (auto remote = find_server(*place, *cluster)) return act_on_server(*remote, *options);
    ApiClient client(mpijob::find_access(*cluster));
    act(client, *options);
  });
  return command;
}

void add_timeout(CLI::App& command, int& seconds) {
  command.add_option("--timeout", seconds, "How long to wait until the job has ended")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str()
      ->type_name("SECONDS");
}

void add_stop_commands(CLI::App& app) {
  const auto options = std::make_shared<ChangeOptions>();
  CLI::App* const command = add(
      app, "stop",
      "Stop a job so that it can be resumed: ranks get SIGTERM, and it has ended when the command "
      "returns",
      options, stop, [](server::RemoteServer& remote, const ChangeOptions& given) {
        server::stop_on_server(remote, change_of(given));
      });
  add_timeout(*command, options->seconds);

  add(
      app, "suspend", "Stop a job without waiting until it has ended",
      std::make_shared<ChangeOptions>(),
      [](ApiClient& client, const ChangeOptions& given) {
        set_suspend(client, given.name, true);
        report(given, "Suspending",
               fmt::format("{0} suspends; 'ringtrain resume {0}' resumes from its newest "
                           "checkpoint",
                           given.name));
      },
      [](server::RemoteServer& remote, const ChangeOptions& given) {
        server::stop_on_server(remote, {given.name, std::chrono::seconds(0), given.json});
      });

  add(
      app, "resume", "Resume a job that was stopped or suspended",
      std::make_shared<ChangeOptions>(),
      [](ApiClient& client, const ChangeOptions& given) {
        set_suspend(client, given.name, false);
        report(given, "Pending",
               fmt::format("{0} resumes; 'ringtrain status --watch {0}' shows it", given.name));
      },
      [](server::RemoteServer& remote, const ChangeOptions& given) {
        server::resume_on_server(remote, change_of(given));
      });
}

void add_scale_command(CLI::App& app) {
  const auto options = std::make_shared<ChangeOptions>();
  CLI::App* const command =
      add(app, "scale",
          "Change the number of a job's workers, or of its ranks on a server; ranks restart from a "
          "checkpoint",
          options, scale, [](server::RemoteServer& remote, const ChangeOptions& given) {
            server::scale_on_server(remote, change_of(given), given.workers);
          });
  command->add_option("workers", options->workers, "The new number of workers")
      ->required()
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
}

void add_delete_command(CLI::App& app) {
  const auto options = std::make_shared<ChangeOptions>();
  CLI::App* const command = add(
      app, "delete", "Delete a job with everything that belongs to it; volumes and their data stay",
      options,
      [](ApiClient& client, const ChangeOptions& given) {
        mpijob::delete_job(client, given.name, {std::chrono::seconds(given.seconds), given.force});
        report(given, "Deleted", fmt::format("{} is deleted", given.name));
      },
      [](server::RemoteServer& remote, const ChangeOptions& given) {
        server::delete_on_server(remote, change_of(given));
      });
  add_timeout(*command, options->seconds);
  command->add_flag("--force", options->force,
                    "Do not wait for pods on nodes that do not answer: they may still run there");
}

void add_clone_command(CLI::App& app) {
  const auto options = std::make_shared<ChangeOptions>();
  add(
      app, "clone", "Submit a job of a server once more, under the next name that is free", options,
      [](ApiClient&, const ChangeOptions&) {
        throw job_error(
            "clone: jobs of a cluster are submitted again from their files; for a server, give "
            "--server or RINGTRAIN_SERVER");
      },
      [](server::RemoteServer& remote, const ChangeOptions& given) {
        server::clone_on_server(remote, change_of(given));
      });
}

}  // namespace

void add_change_commands(CLI::App& app) {
  add_stop_commands(app);
  add_scale_command(app);
  add_delete_command(app);
  add_clone_command(app);
}

}  // namespace ringtrain::launcher
