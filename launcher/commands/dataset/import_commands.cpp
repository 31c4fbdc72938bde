// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/import_commands.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/array_source.hpp"
#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/cifar.hpp"
#include "datasets/importers/csv.hpp"
#include "datasets/importers/hdf5_source.hpp"
#include "datasets/importers/idx.hpp"
#include "datasets/importers/images.hpp"
#include "datasets/importers/mnist.hpp"
#include "datasets/importers/npy.hpp"
#include "launcher/commands/dataset/import_options.hpp"

namespace ringtrain::launcher {
namespace {

const std::vector<std::string> kFourFiles = {"train_features", "train_labels", "test_features",
                                             "test_labels"};

void add_mnist(CLI::App& import) {
  CLI::App* command = nullptr;
  add_import(import, command, "mnist", "Download MNIST: 70,000 handwritten digits",
             [](const ImportArguments& a) { return datasets::import_mnist(a.output, a.options); });
}

void add_idx(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto arguments =
      add_import(import, command, "idx", "Import IDX files (as of MNIST), .gz too",
                 [](const ImportArguments& a) {
                   std::vector<std::unique_ptr<datasets::ByteSource>> sources;
                   for (const std::string& path : a.paths)
                     sources.push_back(datasets::open_source(path));
                   return datasets::import_idx({*sources[0], *sources[1], *sources[2], *sources[3]},
                                               a.output, a.options);
                 });
  add_paths(*command, *arguments, {"train_images", "train_labels", "test_images", "test_labels"},
            4);
}

struct ArrayArguments {
  std::string channels = "auto";
  std::string labels = "auto";
  std::vector<std::string> target_names;
  bool floats = false;
};

datasets::ChannelOrder channel_order(const std::string& name) {
  if (name == "first") return datasets::ChannelOrder::first;
  return name == "last" ? datasets::ChannelOrder::last : datasets::ChannelOrder::automatic;
}

datasets::Answers answers_named(const std::string& name) {
  if (name == "classes") return datasets::Answers::classes;
  return name == "targets" ? datasets::Answers::targets : datasets::Answers::automatic;
}

void set_options(const ArrayArguments& arguments, datasets::ArraySources& sources) {
  sources.channels = channel_order(arguments.channels);
  sources.answers = answers_named(arguments.labels);
  sources.target_names = arguments.target_names;
  sources.floats = arguments.floats;
}

void add_array_options(CLI::App& command, ArrayArguments& arguments) {
  command
      .add_option("--labels", arguments.labels,
                  "Labels are classes, or targets: numbers to predict (auto: floats are targets)")
      ->check(CLI::IsMember({"auto", "classes", "targets"}))
      ->capture_default_str();
  command
      .add_option("--target-names", arguments.target_names,
                  "Names of the targets, with commas between them")
      ->delimiter(',');
  command.add_flag("--floats", arguments.floats,
                   "Normalise samples of 32 and 64-bit whole numbers, which else stay as they are");
  command.add_option("--channels", arguments.channels, "Channels are a sample's first or last")
      ->check(CLI::IsMember({"auto", "first", "last"}))
      ->capture_default_str();
}

void add_npy(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto array = std::make_shared<ArrayArguments>();
  const auto arguments =
      add_import(import, command, "npy", "Import two or four NumPy files (.npy)",
                 [array](const ImportArguments& a) {
                   check_paths(a);
                   std::vector<std::unique_ptr<datasets::ArraySource>> arrays;
                   for (const std::string& path : a.paths) {
                     arrays.push_back(path.empty() ? nullptr : datasets::open_npy(path));
                   }
                   datasets::ArraySources sources{arrays[0].get(), arrays[1].get(), arrays[2].get(),
                                                  arrays[3].get()};
                   sources.test_share = a.test_share;
                   set_options(*array, sources);
                   return datasets::import_arrays(sources, a.output, a.options);
                 });
  add_paths(*command, *arguments, kFourFiles, 2);
  add_array_options(*command, *array);
  add_test_share(*command, *arguments);
}

struct Hdf5Arguments : ArrayArguments {
  std::string train_x;
  std::string train_y;
  std::string test_x;
  std::string test_y;
};

void add_hdf5(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto names = std::make_shared<Hdf5Arguments>();
  const auto arguments = add_import(
      import, command, "hdf5", "Import arrays of an HDF5 file that another program wrote",
      [names](const ImportArguments& a) {
        if (names->test_x.empty() != names->test_y.empty()) {
          throw job_error("--test-x and --test-y belong together");
        }
        const auto open = [&](const std::string& name) {
          return name.empty() ? nullptr : datasets::open_hdf5_source(a.paths[0], name);
        };
        const auto train_x = open(names->train_x);
        const auto train_y = open(names->train_y);
        const auto test_x = open(names->test_x);
        const auto test_y = open(names->test_y);
        datasets::ArraySources sources{train_x.get(), train_y.get(), test_x.get(), test_y.get()};
        sources.test_share = a.test_share;
        set_options(*names, sources);
        return datasets::import_arrays(sources, a.output, a.options);
      });
  add_paths(*command, *arguments, {"file"}, 1);
  command->add_option("--train-x", names->train_x, "Path of the training samples")->required();
  command->add_option("--train-y", names->train_y, "Path of their labels")->required();
  command->add_option("--test-x", names->test_x, "Path of the test samples");
  command->add_option("--test-y", names->test_y, "Path of their labels");
  add_array_options(*command, *names);
  add_test_share(*command, *arguments);
}

void add_cifar(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto arguments =
      add_import(import, command, "cifar",
                 "Import CIFAR-10 or CIFAR-100 (its binary version, not that for Python)",
                 [](const ImportArguments& a) {
                   return datasets::import_cifar(a.paths[0], a.output, a.options);
                 });
  add_paths(*command, *arguments, {"source"}, 1);
}

struct CsvArguments {
  std::string label;
  std::vector<std::string> targets;
  std::vector<int64_t> shape;
  std::string separator = ",";
};

void add_csv(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto csv = std::make_shared<CsvArguments>();
  const auto arguments =
      add_import(import, command, "csv",
                 "Import a table: columns of numbers, and one of labels or some of targets",
                 [csv](const ImportArguments& a) {
                   datasets::CsvSources sources;
                   sources.train = a.paths[0];
                   if (!a.test_file.empty()) sources.test = a.test_file;
                   sources.test_share = a.test_share;
                   sources.label = csv->label;
                   sources.targets = csv->targets;
                   if (!csv->shape.empty())
                     sources.shape = {csv->shape[0], csv->shape[1], csv->shape[2]};
                   if (csv->separator == "tab") csv->separator = "\t";
                   if (csv->separator.size() != 1) {
                     throw job_error("--separator must be one character, or tab");
                   }
                   sources.separator = csv->separator[0];
                   return datasets::import_csv(sources, a.output, a.options);
                 });
  add_paths(*command, *arguments, {"file"}, 1);
  command->add_option("--test", arguments->test_file, "A second table, of test rows");
  auto* label = command->add_option("--label", csv->label,
                                    "Label column, by name or number from 1 (default: the last)");
  command
      ->add_option("--target", csv->targets,
                   "Columns of numbers to predict, by name or number, with commas between them")
      ->delimiter(',')
      ->excludes(label);
  command->add_option("--shape", csv->shape, "Channels, height, width, as in 1,28,28")
      ->delimiter(',')
      ->expected(3);
  command->add_option("--separator", csv->separator, "Column separator; tab: a tab")
      ->capture_default_str();
  add_test_share(*command, *arguments);
}

struct ImageArguments {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;
  std::string fit = "crop";
  std::string broken = "refuse";
};

std::vector<std::string> notes_of(const datasets::ImportedImages& result) {
  std::vector<std::string> notes = result.left_out;
  if (result.broken.count > 0) {
    notes.push_back(fmt::format("skipped {}:", counted(result.broken.count, "broken image")));
    for (const std::string& text : result.broken.examples) notes.push_back("  " + text);
    if (result.broken.count > result.broken.examples.size()) notes.emplace_back("  ...");
  }
  if (!result.size_note.empty()) notes.push_back(result.size_note);
  return notes;
}

void add_images(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto image = std::make_shared<ImageArguments>();
  const auto arguments = add_import(
      import, command, "images",
      "Import images (JPEG, PNG) in a folder for each class, .zip or .tar(.gz)",
      [image](ImportArguments& a) {
        datasets::ImageSources sources;
        if ((image->height == 0) != (image->width == 0)) {
          throw job_error("--height and --width belong together");
        }
        sources.path = a.paths[0];
        sources.height = image->height;
        sources.width = image->width;
        sources.channels = image->channels;
        sources.fit = image->fit == "crop" ? datasets::Fit::crop : datasets::Fit::stretch;
        sources.skip_broken = image->broken == "skip";
        sources.test_share = a.test_share;
        const datasets::ImportedImages result =
            datasets::import_images(sources, a.output, a.options);
        for (std::string& line : notes_of(result)) a.notes.push_back(std::move(line));
        return result.index;
      });
  add_paths(*command, *arguments, {"source"}, 1);
  command->add_option("--height", image->height,
                      "Sample height in pixels (default: as most images if at most 224, else 224)");
  command->add_option("--width", image->width,
                      "Sample width in pixels (default: as most images if at most 224, else 224)");
  command->add_option("--channels", image->channels, "3: colour, 1: grey")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command->add_option("--fit", image->fit, "crop: cut to the shape; stretch: distort to the shape")
      ->check(CLI::IsMember({"crop", "stretch"}))
      ->capture_default_str();
  command->add_option("--broken", image->broken, "If an image cannot be decoded: refuse, or skip")
      ->check(CLI::IsMember({"refuse", "skip"}))
      ->capture_default_str();
  add_test_share(*command, *arguments);
}

}  // namespace

void add_import_commands(CLI::App& dataset) {
  CLI::App& import = *dataset.add_subcommand("import", "Make a dataset of your own data");
  import.require_subcommand(1);
  add_mnist(import);
  add_idx(import);
  add_npy(import);
  add_cifar(import);
  add_csv(import);
  add_hdf5(import);
  add_images(import);
}

}  // namespace ringtrain::launcher
