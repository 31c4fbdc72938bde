// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/images.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/importers/image_decoders.hpp"
#include "datasets/importers/image_list.hpp"
#include "datasets/importers/image_size.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

// Sets the size of the samples where the user has not. Returns the reason; empty for a given size.
std::string choose_size(const FileTree& tree, const ImageList& images, ImageSources& sources) {
  constexpr uint64_t kLookedAt = 1000;
  ImageSizeVotes votes;
  if (sources.height != 0 || sources.width != 0) return votes.choose(sources);
  const uint64_t step = (images.train_rows() + images.test_rows() + kLookedAt - 1) / kLookedAt;
  uint64_t counter = 0;
  const auto wanted = [&](const std::string&, uint64_t number) {
    return images.contains(number) && counter++ % step == 0;
  };
  tree.read(wanted, [&](const std::string&, uint64_t, std::string& bytes) { votes.add(bytes); });
  return votes.choose(sources);
}

ImageList list_images(const FileTree& tree, const ImageSources& sources,
                      const ImportOptions& options) {
  if (!sources.tables.train.empty()) {
    ImageTables tables = sources.tables;
    tables.columns.limit = options.limit;
    return {tree, tables, sources.test_share, options.shuffle_seed};
  }
  if (options.limit > 0) {
    throw job_error(
        "--limit: the first images of a tree are of one class; it goes with --labels, whose rows "
        "have an order");
  }
  return {tree, sources.test_share, options.shuffle_seed};
}

}  // namespace

ImportedImages import_images(const ImageSources& given, const std::filesystem::path& destination,
                             const ImportOptions& options) {
  ImageSources sources = given;
  if (sources.channels != 1 && sources.channels != 3) {
    throw data_error(fmt::format("{} channels; images have 1 or 3", sources.channels));
  }
  const FileTree tree(sources.path);
  const ImageList images = list_images(tree, sources, options);
  LeftOut left_out = images.left_out();
  const auto lines = [&] { return left_out.lines(tree.name(), images.class_path_length()); };
  const auto require_two = [&](size_t classes) {
    std::string why;
    for (const std::string& line : lines()) why += "; " + line;
    require_two_classes(options, tree.name(), classes, why);
  };
  require_two(images.class_names().size());
  ImportedImages result;
  result.size_note = choose_size(tree, images, sources);
  NewDataset dataset = new_dataset(options, sources.path.string(), ElementType::u8,
                                   {sources.channels, sources.height, sources.width});
  dataset.train_rows = images.train_rows();
  dataset.test_rows = images.test_rows();
  Writer writer(destination, dataset);
  const size_t classes = images.class_names().size();
  if (!options.class_names.empty() && options.class_names.size() != classes) {
    throw job_error(fmt::format(
        "--class-names: has {}, but {} has {}: {}", counted(options.class_names.size(), "name"),
        tree.name(), counted(classes, "class", "classes"), fmt::join(images.class_names(), ", ")));
  }
  const auto& names = options.class_names.empty() ? images.class_names() : options.class_names;
  note_classes(options, images.class_names(), names);
  writer.set_class_names(names);
  ImageDecoders decoders(sources, writer);
  const uint64_t total = dataset.train_rows + dataset.test_rows;
  uint64_t done = 0;
  tree.read([&](const std::string&, uint64_t number) { return images.contains(number); },
            [&](const std::string& path, uint64_t number, std::string& bytes) {
              decoders.add(path, images.at(number, path), std::exchange(bytes, {}));
              if (options.progress) options.progress(++done, total);
            });
  result.broken = decoders.finish();
  for (const auto& [folder, count] : result.broken.by_folder) {
    left_out.add_files(folder, "broken", count);
  }
  if (result.broken.count > 0) require_two(decoders.classes());
  result.left_out = lines();
  result.index = writer.finish();
  return result;
}

}  // namespace ringtrain::datasets
