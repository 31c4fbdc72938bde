// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/job_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "datasets/reading/open.hpp"
#include "job/keys/reference.hpp"
#include "job/keys/schema.hpp"
#include "job/models.hpp"
#include "job/parse.hpp"
#include "job/paths.hpp"
#include "job/task.hpp"

namespace ringtrain::launcher {
namespace {

struct ValidateOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  bool keys_only = false;
};

// Refuses what torch.jit cannot have written: a zip archive with constants.pkl near its end. A file
// of torch.save is one without.
void check_torchscript_file(const std::string& model) {
  const File file = File::open_for_reading(model);
  constexpr uint64_t kTail = 1 << 20;
  std::string head(std::min<uint64_t>(file.size(), 4), '\0');
  std::string tail(std::min(file.size(), kTail), '\0');
  file.read_at(head.data(), head.size(), 0);
  file.read_at(tail.data(), tail.size(), file.size() - tail.size());
  if (head != "PK\x03\x04" || tail.find("constants.pkl") == std::string::npos) {
    throw job_error(
        fmt::format("model: {} is no TorchScript file: write one with "
                    "torch.jit.script(model).save('model.pt')",
                    model));
  }
}

// Refuses a dataset that the job's model or workers cannot be given.
void check_fit(const JobSpec& job, const datasets::DatasetIndex& dataset) {
  check_task(job, {.classes = dataset.class_names.size(),
                   .targets = dataset.targets.names,
                   .least = dataset.targets.least,
                   .largest = dataset.targets.largest,
                   .whole_numbers = dataset.element == datasets::ElementType::i64});
  const std::string why = why_too_small(job.model, dataset.shape.height, dataset.shape.width);
  if (!why.empty()) throw job_error(why);
  if (const uint64_t rows = dataset.train.rows; rows < static_cast<uint64_t>(job.workers.min)) {
    throw job_error(fmt::format("workers.min: {} is more than the {} of {}", job.workers.min,
                                counted(rows, "training sample"), job.dataset.string()));
  }
}

// Checks what the job names besides itself, as far as this machine has it. Throws as check_paths().
void check_files(const JobSpec& job) {
  check_paths(job, MissingOutput::leave);
  if (is_torchscript_path(job.model)) check_torchscript_file(job.model);
  check_fit(job, datasets::open_dataset_unverified(job.dataset.string()));
}

void validate_job(const ValidateOptions& options) {
  const JobSpec job = parse_job(options.job_file, options.overrides);
  if (job.kubernetes) {
    std::fputs("ringtrain: note: the files that the job names are in its pods, and not checked\n",
               stderr);
  } else if (!options.keys_only) {
    check_files(job);
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
      "Check a job file, its dataset, model and output, and print the job with all defaults");
  validate->add_option("job", options->job_file, "The job file")->required()->type_name("JOB.yaml");
  validate->add_option("--set", options->overrides, "Override a key of the job; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  validate->add_flag("--keys-only", options->keys_only,
                     "Check the job file alone, not the files that it names");
  validate->callback([options] { validate_job(*options); });
}

}  // namespace ringtrain::launcher
