// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/jobs/render_command.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/command_line.hpp"
#include "mpijob/objects/job_text.hpp"
#include "mpijob/objects/print_yaml.hpp"
#include "mpijob/objects/render.hpp"

namespace ringtrain::launcher {
namespace {

struct RenderOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  std::string as = "mpijob";
};

void print_rendered(const RenderOptions& options) {
  const mpijob::JobAndText read = mpijob::read_job(options.job_file, options.overrides);
  for (const std::string& note : read.notes) complain("warning: " + note);
  const auto objects = mpijob::render(
      read, options.as == "trainjob" ? mpijob::RenderAs::trainjob : mpijob::RenderAs::mpijob);
  fmt::print("# {}, by ringtrain render: kubectl apply -f -\n{}", read.job.name,
             mpijob::print_yaml(objects));
}

}  // namespace

void add_render_command(CLI::App& app) {
  const auto options = std::make_shared<RenderOptions>();
  CLI::App* const command = app.add_subcommand(
      "render", "Print a job as an MPIJob with the objects it needs, for kubectl apply -f -");
  command->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  command->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command
      ->add_option("--as", options->as,
                   "mpijob (default), or trainjob: for Kubeflow Trainer, with a "
                   "ClusterTrainingRuntime")
      ->check(CLI::IsMember({"mpijob", "trainjob"}))
      ->type_name("KIND");
  command->callback([options] { print_rendered(*options); });
}

}  // namespace ringtrain::launcher
