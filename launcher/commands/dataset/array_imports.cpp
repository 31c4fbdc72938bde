// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/array_imports.hpp"

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "datasets/importers/arrays/array_source.hpp"
#include "datasets/importers/arrays/hdf5_source.hpp"
#include "datasets/importers/arrays/npy.hpp"
#include "datasets/importers/arrays/npz.hpp"
#include "launcher/commands/dataset/import_options.hpp"

namespace ringtrain::launcher {
namespace {

const std::vector<std::string> kFourFiles = {"train_features", "train_labels", "test_features",
                                             "test_labels"};

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
  if (name == "one-hot") return datasets::Answers::one_hot;
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
                  "Labels are classes, a number each or one-hot, or targets: numbers to predict "
                  "(auto: floats that are not one-hot are targets)")
      ->check(CLI::IsMember({"auto", "classes", "one-hot", "targets"}))
      ->capture_default_str()
      ->type_name("FILE");
  command
      .add_option("--target-names", arguments.target_names,
                  "Names of the targets, with commas between them")
      ->delimiter(',')
      ->type_name("NAMES");
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

struct NamedArrays : ArrayArguments {
  datasets::ArrayNames names;
};

void add_npz(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto given = std::make_shared<NamedArrays>();
  const auto arguments = add_import(
      import, command, "npz", "Import arrays of a NumPy archive (.npz)",
      [given](const ImportArguments& a) {
        const datasets::Npz archive(a.paths[0]);
        const datasets::ArrayNames names = archive.find(given->names);
        const auto train_x = archive.open(names.train_x);
        const auto train_y = archive.open(names.train_y);
        const auto test_x = names.test_x.empty() ? nullptr : archive.open(names.test_x);
        const auto test_y = names.test_y.empty() ? nullptr : archive.open(names.test_y);
        datasets::ArraySources sources{train_x.get(), train_y.get(), test_x.get(), test_y.get()};
        sources.test_share = a.test_share;
        set_options(*given, sources);
        return datasets::import_arrays(sources, a.output, a.options);
      });
  add_paths(*command, *arguments, {"file"}, 1);
  command
      ->add_option("--train-x", given->names.train_x,
                   "Array of the training samples (default: x_train, train_x or x)")
      ->type_name("ARRAY");
  command
      ->add_option("--train-y", given->names.train_y,
                   "Array of their labels (default: y_train, train_y or y)")
      ->type_name("ARRAY");
  command
      ->add_option("--test-x", given->names.test_x,
                   "Array of the test samples (default: x_test or test_x, if there is one)")
      ->type_name("ARRAY");
  command->add_option("--test-y", given->names.test_y, "Array of their labels")->type_name("ARRAY");
  add_array_options(*command, *given);
  add_test_share(*command, *arguments);
}

void add_hdf5(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto given = std::make_shared<NamedArrays>();
  const auto arguments = add_import(
      import, command, "hdf5", "Import arrays of an HDF5 file that another program wrote",
      [given](const ImportArguments& a) {
        const datasets::ArrayNames& names = given->names;
        if (names.test_x.empty() != names.test_y.empty()) {
          throw job_error("--test-x and --test-y belong together");
        }
        const auto open = [&](const std::string& name) {
          return name.empty() ? nullptr : datasets::open_hdf5_source(a.paths[0], name);
        };
        const auto train_x = open(names.train_x);
        const auto train_y = open(names.train_y);
        const auto test_x = open(names.test_x);
        const auto test_y = open(names.test_y);
        datasets::ArraySources sources{train_x.get(), train_y.get(), test_x.get(), test_y.get()};
        sources.test_share = a.test_share;
        set_options(*given, sources);
        return datasets::import_arrays(sources, a.output, a.options);
      });
  add_paths(*command, *arguments, {"file"}, 1);
  datasets::ArrayNames& names = given->names;
  command->add_option("--train-x", names.train_x, "Path of the training samples")
      ->required()
      ->type_name("ARRAY");
  command->add_option("--train-y", names.train_y, "Path of their labels")
      ->required()
      ->type_name("ARRAY");
  command->add_option("--test-x", names.test_x, "Path of the test samples")->type_name("ARRAY");
  command->add_option("--test-y", names.test_y, "Path of their labels")->type_name("ARRAY");
  add_array_options(*command, *given);
  add_test_share(*command, *arguments);
}

}  // namespace

void add_array_imports(CLI::App& import) {
  add_npy(import);
  add_npz(import);
  add_hdf5(import);
}

}  // namespace ringtrain::launcher
