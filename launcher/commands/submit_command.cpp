// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/submit_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/command_line.hpp"
#include "launcher/commands/cluster_options.hpp"
#include "mpijob/objects/job_text.hpp"
#include "mpijob/objects/render.hpp"
#include "mpijob/objects/submit_job.hpp"
#include "mpijob/status/job_observer.hpp"
#include "mpijob/status/job_watch.hpp"

namespace ringtrain::launcher {
namespace {

struct SubmitOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  bool wait = false;
  int seconds = 0;
};

int submit(const mpijob::AccessOptions& cluster, const SubmitOptions& options) {
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
  fmt::print(
      "{0} is submitted to namespace {1}; 'ringtrain status --namespace {1} {0}' shows its state\n",
      name, client.name_space());
  if (!options.wait) return 0;
  std::fflush(stdout);
  mpijob::JobObserver observer(client, name);
  std::optional<std::chrono::seconds> limit;
  if (options.seconds > 0) limit = std::chrono::seconds(options.seconds);
  return mpijob::watch_job(observer, limit);
}

}  // namespace

void add_submit_command(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("submit", "Run a job on a Kubernetes cluster that has the MPI operator");
  const auto options = std::make_shared<SubmitOptions>();
  command->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  command->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command->add_flag("--wait", options->wait,
                    "Watch the job until it has ended; exit code 0 if it trained a model");
  command->add_option("--timeout", options->seconds, "With --wait: the longest time to wait")
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("SECONDS");
  const auto cluster = add_cluster_options(*command);
  command->callback([cluster, options, &exit_code] { exit_code = submit(*cluster, *options); });
}

}  // namespace ringtrain::launcher
