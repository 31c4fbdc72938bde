// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/job_commands.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/reading/open.hpp"
#include "job/keys/reference.hpp"
#include "job/keys/schema.hpp"
#include "job/models.hpp"
#include "job/parse.hpp"
#include "job/paths.hpp"
#include "job/task.hpp"
#include "launcher/mpi/worker_program.hpp"
#include "launcher/process/process.hpp"
#include "launcher/script/script_program.hpp"
#include "model_files/torchscript_kind.hpp"

namespace ringtrain::launcher {
namespace {

struct ValidateOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  bool keys_only = false;
};

void check_torchscript_file(const std::string& model) {
  const std::string why = model_files::why_not_torchscript(model);
  if (why.empty()) return;
  throw job_error(fmt::format("model: {} {}: {}", model, why, model_files::kHowToSaveTorchScript));
}

// Runs the job's model on zeros in the program of a rank, which alone has torch. Throws what that
// program reports.
void try_model(const JobSpec& job, const ValidateOptions& options) {
  std::string worker;
  try {
    worker = find_worker();
  } catch (const std::runtime_error& error) {
    complain(fmt::format("note: the model {} was not tried: {}", job.model, error.what()));
    return;
  }
  std::vector<std::string> command = {worker, options.job_file, "--check-model"};
  for (const std::string& text : options.overrides) command.insert(command.end(), {"--set", text});
  const Captured ran = capture(command, std::chrono::minutes(2));
  constexpr std::string_view kPrefix = "ringtrain: ";
  std::string said(trimmed(ran.standard_error));
  if (said.starts_with(kPrefix)) said.erase(0, kPrefix.size());
  if (ran.status.success()) {
    if (!said.empty()) complain(said);
  } else if (ran.status.code == kExitBadJob) {
    throw job_error(said);
  } else if (ran.status.code == kExitBadData) {
    throw data_error(said);
  } else {
    throw training_error(fmt::format("model: {} could not be tried: {}", job.model,
                                     ran.timed_out ? "it ran for 2 minutes"
                                     : ran.status.signal != 0
                                         ? fmt::format("signal {}", ran.status.signal)
                                         : said));
  }
}

// Refuses a dataset that the job's model or workers cannot be given.
void check_fit(const JobSpec& job, const datasets::DatasetIndex& dataset) {
  check_task(job, {.classes = dataset.class_names.size(),
                   .targets = dataset.targets.names,
                   .least = dataset.targets.least,
                   .largest = dataset.targets.largest,
                   .whole_numbers = dataset.element == datasets::ElementType::i64,
                   .table = dataset.shape.height == 1 && dataset.shape.width == 1,
                   .bytes = dataset.element == datasets::ElementType::u8,
                   .channels = dataset.shape.channels});
  const std::string why = why_too_small(job.model, dataset.shape.height, dataset.shape.width);
  if (!why.empty()) throw job_error(why);
  if (const uint64_t rows = dataset.train.rows; rows < static_cast<uint64_t>(job.workers.min)) {
    throw job_error(fmt::format("workers.min: {} is more than the {} of {}", job.workers.min,
                                counted(rows, "training sample"), job.dataset.string()));
  }
}

// Checks what the job names besides itself, as far as this machine has it. Throws as check_paths().
void check_files(const JobSpec& job, const ValidateOptions& options) {
  check_paths(job, MissingOutput::leave);
  if (job.script) {
    static_cast<void>(script_program(*job.script, false, true, "--set script.python=PROGRAM"));
    return;
  }
  const bool own_model = is_torchscript_path(job.model);
  if (own_model) check_torchscript_file(job.model);
  check_fit(job, datasets::open_dataset_unverified(job.dataset.string()));
  if (own_model) try_model(job, options);
}

void validate_job(const ValidateOptions& options) {
  std::vector<std::string> notes;
  const JobSpec job = parse_job(options.job_file, options.overrides, &notes);
  for (const std::string& note : notes) complain("warning: " + note);
  if (job.kubernetes) {
    complain("note: the files that the job names are in its pods, and not checked");
  } else if (!options.keys_only) {
    check_files(job, options);
  }
  fmt::print("{}", print_job_file(job));
}

}  // namespace

void add_job_commands(CLI::App& app) {
  const auto as_markdown = std::make_shared<bool>(false);
  CLI::App* const schema =
      app.add_subcommand("schema", "Print the JSON Schema of the job file, with every key");
  schema->add_flag("--markdown", *as_markdown, "Print the reference page instead");
  schema->callback(
      [as_markdown] { fmt::print("{}", *as_markdown ? job_reference() : job_schema() + "\n"); });

  const auto options = std::make_shared<ValidateOptions>();
  CLI::App* const validate = app.add_subcommand(
      "validate",
      "Check a job file, its dataset, model, script and output, and print the job with all "
      "defaults");
  validate->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  validate->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  validate->add_flag("--keys-only", options->keys_only,
                     "Check the job file alone, not the files that it names");
  validate->callback([options] { validate_job(*options); });
}

}  // namespace ringtrain::launcher
