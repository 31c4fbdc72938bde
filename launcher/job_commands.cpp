// SPDX-License-Identifier: Apache-2.0
#include "launcher/job_commands.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/job/parse.hpp"
#include "runtime/job/schema.hpp"

namespace ringtrain::launcher {
namespace {

struct ValidateOptions {
  std::string job_file;
  std::vector<std::string> overrides;
};

// JSON is YAML, so that what is printed is a job file again; groups on one line, as people write
// them.
std::string as_job_file(const JobSpec& job) {
  std::string text;
  const nlohmann::ordered_json value = nlohmann::ordered_json::parse(print_job(job));
  for (const auto& [key, child] : value.items()) text += fmt::format("{}: {}\n", key, child.dump());
  return text;
}

}  // namespace

void add_job_commands(CLI::App& app) {
  app.add_subcommand("schema", "Print the JSON Schema of the job file: the reference of every key")
      ->callback([] { fmt::print("{}\n", job_schema()); });

  const auto options = std::make_shared<ValidateOptions>();
  CLI::App* const validate =
      app.add_subcommand("validate", "Check a job file and print the job as understood");
  validate->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  validate->add_option("--set", options->overrides, "Overrides a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  validate->callback([options] {
    fmt::print("{}", as_job_file(parse_job(options->job_file, options->overrides)));
  });
}

}  // namespace ringtrain::launcher
