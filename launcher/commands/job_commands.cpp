// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/job_commands.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "job/keys/reference.hpp"
#include "job/keys/schema.hpp"
#include "job/parse.hpp"

namespace ringtrain::launcher {
namespace {

struct ValidateOptions {
  std::string job_file;
  std::vector<std::string> overrides;
};

}  // namespace

void add_job_commands(CLI::App& app) {
  const auto as_markdown = std::make_shared<bool>(false);
  CLI::App* const schema =
      app.add_subcommand("schema", "Print the JSON Schema of the job file, with every key");
  schema->add_flag("--markdown", *as_markdown, "Print the reference page instead");
  schema->callback(
      [as_markdown] { fmt::print("{}", *as_markdown ? job_reference() : job_schema() + "\n"); });

  const auto options = std::make_shared<ValidateOptions>();
  CLI::App* const validate =
      app.add_subcommand("validate", "Check a job file, and print the job with all defaults");
  validate->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  validate->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  validate->callback([options] {
    fmt::print("{}", print_job_file(parse_job(options->job_file, options->overrides)));
  });
}

}  // namespace ringtrain::launcher
