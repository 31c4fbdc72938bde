// SPDX-License-Identifier: Apache-2.0
#include "mpijob/render_command.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "mpijob/job_text.hpp"
#include "mpijob/print_yaml.hpp"
#include "mpijob/render.hpp"

namespace ringtrain::mpijob {
namespace {

struct RenderOptions {
  std::string job_file;
  std::vector<std::string> overrides;
};

void print_rendered(const RenderOptions& options) {
  const JobAndText read = read_job(options.job_file, options.overrides);
  const auto objects = render(read.job, read.text);
  fmt::print("# {}, by ringtrain render: kubectl apply -f -\n{}", read.job.name,
             print_yaml(objects));
}

}  // namespace

void add_render_command(CLI::App& app) {
  const auto options = std::make_shared<RenderOptions>();
  CLI::App* const command = app.add_subcommand(
      "render", "Print a job as an MPIJob and what it needs, for kubectl apply -f -");
  command->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  command->add_option("--set", options->overrides, "Overrides a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command->callback([options] { print_rendered(*options); });
}

}  // namespace ringtrain::mpijob
