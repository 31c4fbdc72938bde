// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/watch_commands.hpp"

#include <fmt/format.h>

#include <memory>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "launcher/commands/jobs/cluster_options.hpp"
#include "mpijob/client/api_error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/status/job_logs.hpp"
#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/job_watch.hpp"
#include "mpijob/status/print_status.hpp"
#include "server/client/remote_server.hpp"
#include "server/client/watch.hpp"

namespace ringtrain::launcher {
namespace {

using mpijob::AccessOptions;
using mpijob::ApiClient;
using nlohmann::json;

std::vector<json> items_of(const json& list) { return list["items"].get<std::vector<json>>(); }

// Reads the last lines of a launcher's log: whether and how far it trains.
mpijob::TrainingLog read_tail(ApiClient& client, const json& launcher) {
  mpijob::TrainingLog log;
  if (mpijob::look_text(launcher, {"status", "phase"}) != "Running") return log;
  try {
    std::istringstream lines(
        client.log(mpijob::name_of(launcher), "timestamps=true&tailLines=300"));
    for (std::string line; std::getline(lines, line);) log.take(line);
  } catch (const mpijob::ApiError&) {
    // A table has no room for the reason; 'status' shows it.
  }
  return log;
}

// Lists all objects of a kind; none where we may not read them.
std::vector<json> readable(ApiClient& client, const mpijob::Resource& resource,
                           const mpijob::Selection& selection) {
  try {
    return items_of(client.list(resource, selection));
  } catch (const mpijob::ApiError& error) {
    if (error.status() != 403) throw;
    return {};
  }
}

// Reads every job of the namespace, by one list of each kind and the tails of the logs.
std::vector<mpijob::JobPicture> all_jobs(ApiClient& client) {
  constexpr const char* kJobLabel = "training.kubeflow.org/job-name";
  const auto jobs = items_of(client.list(mpijob::mpi_jobs));
  if (jobs.empty()) return {};
  const auto pods = readable(client, mpijob::pods, {kJobLabel, ""});
  const auto launchers = readable(client, mpijob::batch_jobs, {kJobLabel, ""});
  const auto events = readable(client, mpijob::events, {"", "type!=Normal"});
  const auto now = std::chrono::system_clock::now();

  std::vector<mpijob::JobPicture> result;
  for (const json& job : jobs) {
    const std::string name = mpijob::name_of(job);
    mpijob::JobObjects objects{job, nullptr, {}, events};
    for (const json& pod : pods) {
      if (mpijob::label_of(pod, kJobLabel) == name) objects.pods.push_back(pod);
    }
    for (const json& launcher : launchers) {
      if (mpijob::name_of(launcher) == name + "-launcher") objects.launcher_job = launcher;
    }
    mpijob::TrainingLog log = read_tail(client, mpijob::newest_launcher(objects.pods));
    const auto status = mpijob::judge(objects, {log.is_training(), log.cause()}, now);
    result.push_back({status, std::move(log), {}, now});
  }
  return result;
}

// Shortens text for a column; 'status' shows all of it.
std::string shortened(const std::string& text) {
  constexpr size_t kMost = 100;
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

std::string progress_column(const mpijob::TrainingLog& log) {
  if (!log.step() || log.step()->steps <= 0) return "-";
  const StepEvent& step = *log.step();
  return fmt::format("epoch {}/{}, {:.0f}%", step.epoch, step.epochs,
                     100.0 * static_cast<double>(step.step) / static_cast<double>(step.steps));
}

void print_jobs(const AccessOptions& options, bool as_json) {
  ApiClient client(mpijob::find_access(options));
  const auto jobs = all_jobs(client);
  if (as_json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& job : jobs) list.push_back(mpijob::status_to_json(job));
    fmt::print("{}\n", list.dump(2));
    return;
  }
  if (jobs.empty()) {
    fmt::print("no jobs in namespace {}\n", client.name_space());
    return;
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "STATE", "PROGRESS", "WORKERS", "AGE", "WHY"}};
  for (const mpijob::JobPicture& job : jobs) {
    const mpijob::JobStatus& status = job.status;
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(
        job.now - status.created.value_or(job.now));
    rows.push_back({status.name, status.state, progress_column(job.log),
                    fmt::format("{}/{}", status.workers_running, status.workers), print_age(age),
                    shortened(status.why)});
  }
  fmt::print("{}", mpijob::print_table(rows));
}

void add_jobs_command(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("jobs", "List the jobs of a cluster or a server");
  const auto options = add_cluster_options(*command);
  const auto place = add_server_option(*command);
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print the jobs as JSON");
  command->callback([options, place, as_json] {
    if (auto remote = find_server(*place, *options))
      return server::print_remote_jobs(*remote, *as_json);
    print_jobs(*options, *as_json);
  });
}

struct StatusOptions {
  std::string name;
  bool json = false;
  bool watch = false;
};

void add_status_command(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("status", "Show a job's state, rank placement, and why it is not running");
  const auto cluster = add_cluster_options(*command);
  const auto place = add_server_option(*command);
  const auto options = std::make_shared<StatusOptions>();
  add_job_name(*command, options->name);
  command->add_flag("--json", options->json, "Print the state as JSON");
  command->add_flag("--watch", options->watch, "Watch until the job has ended");
  command->callback([cluster, place, options, &exit_code] {
    if (auto remote = find_server(*place, *cluster)) {
      exit_code =
          server::print_remote_status(*remote, options->name, options->watch, options->json);
      return;
    }
    ApiClient client(mpijob::find_access(*cluster));
    mpijob::JobObserver observer(client, options->name);
    if (options->watch) {
      exit_code = mpijob::watch_job(observer);
      if (!options->json) return;
    }
    const mpijob::JobPicture picture = mpijob::picture_of(observer);
    fmt::print("{}", options->json ? mpijob::status_to_json(picture).dump(2) + "\n"
                                   : mpijob::print_status(picture));
  });
}

// Logs of a server have all ranks in one, and events are at /api/v1/events.
int print_log_of(server::RemoteServer& remote, const mpijob::LogOptions& options, bool as_json) {
  if (options.rank >= 0 || options.events) {
    throw job_error("--rank and --events: are for jobs of a cluster; a server's log has all ranks");
  }
  return server::print_remote_log(remote, {options.name, options.follow, options.tail, as_json});
}

void add_logs_command(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand(
      "logs", "Print a job's log: that of the launcher, with the output of the ranks");
  const auto cluster = add_cluster_options(*command);
  const auto place = add_server_option(*command);
  const auto options = std::make_shared<mpijob::LogOptions>();
  add_job_name(*command, options->name);
  command->add_flag("-f,--follow", options->follow, "Watch until the job has ended");
  auto* const rank = command->add_option(
      "--rank", options->rank, "Print the log of the pod with this rank (sshd, containers)");
  rank->check(CLI::Range(0, 1 << 20))->type_name("N");
  command->add_flag("--launcher", options->launcher, "Print the launcher's log (the default)")
      ->excludes(rank);
  command->add_option("--tail", options->tail, "Print only the last lines")
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("LINES");
  command->add_flag("--events", options->events, "Print the launcher's events as well, as JSON");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print each line as JSON, for a job of a server");
  command->callback([cluster, place, options, as_json, &exit_code] {
    if (auto remote = find_server(*place, *cluster)) {
      exit_code = print_log_of(*remote, *options, *as_json);
      return;
    }
    if (*as_json) throw job_error("--json: is for jobs of a server; a cluster's log is text");
    ApiClient client(mpijob::find_access(*cluster));
    mpijob::print_logs(client, *options);
  });
}

}  // namespace

void add_watch_commands(CLI::App& app, int& exit_code) {
  add_jobs_command(app);
  add_status_command(app, exit_code);
  add_logs_command(app, exit_code);
}

}  // namespace ringtrain::launcher
