// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/image_imports.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/images.hpp"
#include "datasets/importers/shards.hpp"
#include "launcher/commands/dataset/import_options.hpp"

namespace ringtrain::launcher {
namespace {

struct ImageArguments {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;
  std::string fit = "crop";
  std::string broken = "refuse";
  datasets::ImageTableOptions columns;
  std::string separator = ",";
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

datasets::ImageTables tables_of(const ImageArguments& image, const ImportArguments& arguments) {
  datasets::ImageTables tables{arguments.labels_file, arguments.test_file, image.columns};
  if (tables.train.empty() && (!tables.test.empty() || !tables.columns.file_column.empty() ||
                               !tables.columns.label_column.empty())) {
    throw job_error("--test-labels, --file-column and --label-column go with --labels");
  }
  tables.columns.separator = separator_of(image.separator);
  return tables;
}

void add_table_options(CLI::App& command, ImageArguments& image, ImportArguments& arguments) {
  command
      .add_option("--labels", arguments.labels_file,
                  "Table of file names and labels, here or inside the source, if folders are not "
                  "the classes")
      ->type_name("FILE");
  command.add_option("--test-labels", arguments.test_file, "A second table, of test images")
      ->type_name("FILE");
  command
      .add_option("--file-column", image.columns.file_column,
                  "Column of the file names, by name or number from 1 (default: the first)")
      ->type_name("COLUMN");
  command
      .add_option("--label-column", image.columns.label_column,
                  "Column of the labels, by name or number from 1 (default: the last)")
      ->type_name("COLUMN");
  command.add_option("--separator", image.separator, "Column separator; tab: a tab")
      ->capture_default_str()
      ->type_name("CHARACTER");
}

datasets::ImageSources sources_of(const ImageArguments& image, const ImportArguments& a) {
  if ((image.height == 0) != (image.width == 0)) {
    throw job_error("--height and --width belong together");
  }
  datasets::ImageSources sources;
  sources.path = a.paths[0];
  sources.height = image.height;
  sources.width = image.width;
  sources.channels = image.channels;
  sources.fit = image.fit == "crop" ? datasets::Fit::crop : datasets::Fit::stretch;
  sources.skip_broken = image.broken == "skip";
  sources.test_share = a.test_share;
  return sources;
}

datasets::DatasetIndex with_notes(const datasets::ImportedImages& result, ImportArguments& a) {
  for (std::string& line : notes_of(result)) a.notes.push_back(std::move(line));
  return result.index;
}

void add_size_options(CLI::App& command, ImageArguments& image) {
  command.add_option("--height", image.height,
                     "Sample height in pixels (default: as most images if at most 224, else 224)");
  command.add_option("--width", image.width,
                     "Sample width in pixels (default: as most images if at most 224, else 224)");
  command.add_option("--channels", image.channels, "3: colour, 1: grey")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command.add_option("--fit", image.fit, "crop: cut to the shape; stretch: distort to the shape")
      ->check(CLI::IsMember({"crop", "stretch"}))
      ->capture_default_str();
  command.add_option("--broken", image.broken, "If an image cannot be decoded: refuse, or skip")
      ->check(CLI::IsMember({"refuse", "skip"}))
      ->capture_default_str();
}

void add_images(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto image = std::make_shared<ImageArguments>();
  const auto arguments = add_import(
      import, command, "images",
      "Import images (JPEG, PNG) in a folder for each class, or with a table of labels; also .zip "
      "and .tar(.gz)",
      [image](ImportArguments& a) {
        datasets::ImageSources sources = sources_of(*image, a);
        sources.tables = tables_of(*image, a);
        return with_notes(datasets::import_images(sources, a.output, a.options), a);
      });
  add_paths(*command, *arguments, {"source"}, 1);
  add_size_options(*command, *image);
  add_table_options(*command, *image, *arguments);
  add_test_share(*command, *arguments);
}

struct ShardArguments : ImageArguments {
  std::vector<std::string> test;
  std::string label_suffix = "cls";
};

std::vector<std::filesystem::path> expand(const std::vector<std::string>& patterns) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& pattern : patterns) {
    for (auto& path : datasets::expand_shards(pattern)) paths.push_back(std::move(path));
  }
  return paths;
}

void add_webdataset(CLI::App& import) {
  CLI::App* command = nullptr;
  const auto shards = std::make_shared<ShardArguments>();
  const auto arguments = add_import(
      import, command, "webdataset", "Import images with labels beside them from .tar shards",
      [shards](ImportArguments& a) {
        datasets::ShardSources sources;
        sources.train = expand(a.paths);
        sources.test = expand(shards->test);
        sources.label_suffix = shards->label_suffix;
        sources.images = sources_of(*shards, a);
        return with_notes(datasets::import_shards(sources, a.output, a.options), a);
      });
  command
      ->add_option("shards", arguments->paths,
                   "Shards: files, patterns such as 'train-*.tar', or 'train-{000..012}.tar'")
      ->required();
  command->add_option("--test", shards->test, "Shards of test samples, the same")
      ->type_name("SHARDS");
  command
      ->add_option("--label-suffix", shards->label_suffix,
                   "Suffix of the file that holds a sample's label: a number or a word")
      ->capture_default_str()
      ->type_name("SUFFIX");
  add_size_options(*command, *shards);
  add_test_share(*command, *arguments);
}

}  // namespace

void add_image_imports(CLI::App& import) {
  add_images(import);
  add_webdataset(import);
}

}  // namespace ringtrain::launcher
