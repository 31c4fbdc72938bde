// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/submit_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "launcher/commands/jobs/cluster_options.hpp"
#include "mpijob/objects/job_text.hpp"
#include "mpijob/objects/render.hpp"
#include "mpijob/objects/submit_job.hpp"
#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/job_watch.hpp"
#include "server/client/change.hpp"
#include "server/client/remote_server.hpp"

namespace ringtrain::launcher {
namespace {

struct SubmitOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  int ranks = 0;  // on a server
  int priority = 0;
  bool wait = false;
  int seconds = 0;
  bool json = false;
};

std::optional<std::chrono::seconds> limit_of(const SubmitOptions& options) {
  if (options.seconds == 0) return std::nullopt;
  return std::chrono::seconds(options.seconds);
}

int submit(const mpijob::AccessOptions& cluster, const SubmitOptions& options) {
  if (options.ranks > 0) {
    throw job_error("-n: is for a server; on a cluster the job's workers say how many");
  }
  if (options.priority != 0) {
    throw job_error(
        "--priority: is for a server; on a cluster the job's kubernetes.priority_class says it");
  }
  const mpijob::JobAndText read = mpijob::read_job(options.job_file, options.overrides);
  for (const std::string& note : read.notes) complain("warning: " + note);
  auto objects = mpijob::render(read);

  mpijob::Access access = mpijob::find_access(cluster);
  // --namespace comes first, then the job file's namespace, then the context's.
  const std::string own = read.job.kubernetes ? read.job.kubernetes->name_space : "";
  if (cluster.name_space.empty() && !own.empty()) access.name_space = own;
  for (auto& object : objects) object["metadata"]["namespace"] = access.name_space;

  mpijob::ApiClient client(std::move(access));
  mpijob::submit_job(client, objects);
  const std::string& name = read.job.name;
  if (options.json) {
    const nlohmann::ordered_json made = {{"name", name}, {"namespace", client.name_space()}};
    fmt::print("{}\n", made.dump(2));
  } else {
    fmt::print(
        "{0} is submitted to namespace {1}; 'ringtrain status --namespace {1} {0}' shows its "
        "state\n",
        name, client.name_space());
  }
  if (!options.wait) return 0;
  std::fflush(stdout);
  mpijob::JobObserver observer(client, name);
  return mpijob::watch_job(observer, limit_of(options));
}

}  // namespace

void add_submit_command(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("submit",
                         "Run a job on a Kubernetes cluster that has the MPI operator, or on a "
                         "server");
  const auto options = std::make_shared<SubmitOptions>();
  command->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  command->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command->add_flag("--wait", options->wait,
                    "Watch the job until it has ended; exit code 0 if it trained a model, else the "
                    "job's");
  command->add_option("--timeout", options->seconds, "With --wait: the longest time to wait")
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("SECONDS");
  command
      ->add_option("-n,--ranks", options->ranks,
                   "Ranks to start on a server (default: workers.max of the job, or 1)")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
  command
      ->add_option("--priority", options->priority,
                   "Place in a server's queue, -100 to 100 (default: 0): higher ones come first")
      ->check(CLI::Range(-100, 100))
      ->type_name("N");
  command->add_flag("--json", options->json, "Print the job as JSON");
  const auto cluster = add_cluster_options(*command);
  const auto place = add_server_option(*command);
  command->callback([cluster, place, options, &exit_code] {
    auto remote = find_server(*place, *cluster);
    exit_code =
        remote ? server::submit_to_server(
                     *remote, {options->job_file, options->overrides, options->ranks,
                               options->priority, options->wait, limit_of(*options), options->json})
               : submit(*cluster, *options);
  });
}

}  // namespace ringtrain::launcher
