// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/import_commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/cifar.hpp"
#include "datasets/importers/csv.hpp"
#include "datasets/importers/idx.hpp"
#include "datasets/importers/mnist.hpp"
#include "launcher/commands/dataset/array_imports.hpp"
#include "launcher/commands/dataset/image_imports.hpp"
#include "launcher/commands/dataset/import_options.hpp"

namespace ringtrain::launcher {
namespace {

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
                   check_paths(a);
                   std::vector<std::unique_ptr<datasets::ByteSource>> sources;
                   for (const std::string& path : a.paths) {
                     sources.push_back(path.empty() ? nullptr : datasets::open_source(path));
                   }
                   return datasets::import_idx(
                       {*sources[0], *sources[1], sources[2].get(), sources[3].get(), a.test_share},
                       a.output, a.options);
                 });
  add_paths(*command, *arguments, {"train_images", "train_labels", "test_images", "test_labels"},
            2);
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
                   sources.separator = separator_of(csv->separator);
                   return datasets::import_csv(sources, a.output, a.options);
                 });
  add_paths(*command, *arguments, {"file"}, 1);
  command->add_option("--test", arguments->test_file, "A second table, of test rows")
      ->type_name("FILE");
  auto* label = command
                    ->add_option("--label", csv->label,
                                 "Label column, by name or number from 1 (default: the last)")
                    ->type_name("COLUMN");
  command
      ->add_option("--target", csv->targets,
                   "Columns of numbers to predict, by name or number, with commas between them")
      ->delimiter(',')
      ->excludes(label)
      ->type_name("COLUMN");
  command->add_option("--shape", csv->shape, "Channels, height, width, as in 1,28,28")
      ->delimiter(',')
      ->expected(3);
  command->add_option("--separator", csv->separator, "Column separator; tab: a tab")
      ->capture_default_str()
      ->type_name("CHARACTER");
  add_test_share(*command, *arguments);
}

}  // namespace

void add_import_commands(CLI::App& dataset) {
  CLI::App& import = *dataset.add_subcommand("import", "Make a dataset of your own data");
  import.require_subcommand(1);
  add_mnist(import);
  add_idx(import);
  add_cifar(import);
  add_csv(import);
  add_array_imports(import);
  add_image_imports(import);
}

}  // namespace ringtrain::launcher
