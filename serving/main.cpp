// SPDX-License-Identifier: Apache-2.0
// ringtrain-serve: what trained models make of data. `ringtrain evaluate`, `ringtrain predict` and
// `ringtrain serve` start it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "datasets/reading/open.hpp"
#include "runtime/models/torch_error.hpp"
#include "serving/evaluate.hpp"
#include "serving/evaluation_file.hpp"
#include "serving/evaluation_report.hpp"
#include "serving/report.hpp"
#include "serving/samples.hpp"
#include "serving/serve_command.hpp"
#include "serving/trained_model.hpp"

namespace ringtrain::serving {
namespace {

struct Arguments {
  std::string model;
  std::string dataset;
  std::string split = "test";
  std::vector<std::string> files;
  std::vector<uint64_t> rows;
  std::string fit = "crop";
  int64_t top = 3;
  size_t worst = 5;
  bool save = false;
  bool json = false;
};

void add_model(CLI::App& command, Arguments& arguments) {
  command.add_option("model", arguments.model, "Output folder of a finished run, or its model.pt")
      ->required();
  command.add_flag("--json", arguments.json, "Print JSON");
}

void add_split(CLI::App& command, Arguments& arguments) {
  command.add_option("--split", arguments.split, "Rows of the dataset: test or train")
      ->check(CLI::IsMember({"train", "test"}))
      ->capture_default_str();
}

datasets::Split split_of(const Arguments& arguments) {
  return arguments.split == "train" ? datasets::Split::train : datasets::Split::test;
}

datasets::Fit fit_of(const Arguments& arguments) {
  return arguments.fit == "stretch" ? datasets::Fit::stretch : datasets::Fit::crop;
}

// File and class names need not be UTF-8.
std::string print_json(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void run_evaluate(const Arguments& arguments) {
  TrainedModel model(arguments.model);
  const auto dataset = datasets::open_dataset(arguments.dataset);
  const EvaluationOfModel found = evaluate(model, dataset, split_of(arguments), arguments.worst);
  const auto figures = evaluation_json(found, model.samples());
  if (arguments.json) {
    fmt::print("{}\n", print_json(figures));
  } else {
    fmt::print("{}: {}", arguments.dataset,
               evaluation_text(found, model.samples(), arguments.split));
  }
  if (!arguments.save) return;
  const auto file = save_evaluation(model, found, dataset.uuid, arguments.split, figures);
  if (!arguments.json) fmt::print("saved to {}\n", file.string());
}

// Prints what the model makes of a sample.
void print_prediction(const Sample& sample, TrainedModel& model, const Arguments& arguments) {
  const std::byte* const pointer = sample.bytes.data();
  const at::Tensor outputs = model.outputs({.rows = 1, .x = pointer, .samples = &pointer});
  const bool targets = model.samples().has_targets();
  const Prediction found = targets ? predict_targets(model.objective(), model.samples(), outputs)
                                   : predict_classes(model.samples(), outputs, arguments.top);
  if (arguments.json) {
    fmt::print("{}\n", print_json({{"sample", sample.name},
                                   {targets ? "targets" : "classes", found.json}}));
  } else {
    fmt::print("{}: {}\n", sample.name, found.text);
  }
}

void run_predict(const Arguments& arguments) {
  if (arguments.rows.empty() != arguments.dataset.empty()) {
    throw job_error("--dataset and --row go together: the dataset's file, and the numbers of rows");
  }
  if (arguments.files.empty() && arguments.rows.empty()) {
    throw job_error("nothing to predict: name files, or --dataset and --row");
  }
  TrainedModel model(arguments.model);
  for (const std::string& file : arguments.files) {
    for (const Sample& sample : read_samples(file, model.samples(), fit_of(arguments))) {
      print_prediction(sample, model, arguments);
    }
  }
  if (arguments.rows.empty()) return;
  const auto dataset = datasets::open_dataset_unverified(arguments.dataset);
  for (const uint64_t row : arguments.rows) {
    print_prediction(read_row(dataset, split_of(arguments), row, model.samples()), model,
                     arguments);
  }
}

void add_evaluate(CLI::App& app, Arguments& arguments) {
  CLI::App* const command = app.add_subcommand(
      "evaluate",
      "Say how well a trained model does on a dataset: loss, accuracy, each class or target, which "
      "classes it takes for which, the worst samples");
  add_model(*command, arguments);
  command->add_option("dataset", arguments.dataset, "Dataset file, or folder of its shards")
      ->required();
  add_split(*command, arguments);
  command->add_option("--worst", arguments.worst, "Number of the worst samples to name")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->add_flag("--save", arguments.save,
                    "Keep the result as evaluation.json beside the model, where 'ringtrain serve' "
                    "checks the model against it");
  command->footer(
      "Examples:\n"
      "  ringtrain evaluate runs/mnist-lenet data/mnist.h5\n"
      "  ringtrain evaluate runs/mnist-lenet data/mnist.h5 --save --json");
  command->callback([&arguments] { run_evaluate(arguments); });
}

void add_predict(CLI::App& app, Arguments& arguments) {
  CLI::App* const command = app.add_subcommand(
      "predict",
      "Print the most likely classes, or the targets, of images, .npy files or rows of a dataset");
  add_model(*command, arguments);
  command->add_option("files", arguments.files, ".jpg, .png or .npy files, not normalised");
  command->add_option("--dataset", arguments.dataset, "Dataset to take rows from")
      ->type_name("FILE");
  command->add_option("--row", arguments.rows, "Rows of the dataset, from 0");
  add_split(*command, arguments);
  command->add_option("--fit", arguments.fit, "Images, as at import: crop or stretch")
      ->check(CLI::IsMember({"crop", "stretch"}))
      ->capture_default_str();
  command->add_option("--top", arguments.top, "Number of classes to print")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->footer(
      "Examples:\n"
      "  ringtrain predict runs/mnist-lenet digit.png\n"
      "  ringtrain predict runs/mnist-lenet --dataset data/mnist.h5 --row 0 --row 1");
  command->callback([&arguments] { run_predict(arguments); });
}

}  // namespace
}  // namespace ringtrain::serving

int main(int argc, char** argv) {
  CLI::App app("Evaluates, applies and serves trained models.", "ringtrain");
  app.set_version_flag("--version", "ringtrain " RINGTRAIN_VERSION);
  app.require_subcommand(1);
  ringtrain::set_messages(app);
  ringtrain::serving::Arguments arguments;
  ringtrain::serving::add_evaluate(app, arguments);
  ringtrain::serving::add_predict(app, arguments);
  ringtrain::serving::ServeOptions serve;
  ringtrain::serving::add_serve(app, serve);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ringtrain::exit_code_of(app, error);
  } catch (const std::exception& error) {
    ringtrain::complain(ringtrain::torch_cause(error));
    return ringtrain::exit_code_of(error);
  }
  return 0;
}
