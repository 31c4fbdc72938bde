// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/cifar.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <sstream>

#include "base/error.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kPixels = uint64_t{3} * 32 * 32;

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) words.push_back(line);
  }
  return words;
}

}  // namespace

Plan import_cifar(const std::filesystem::path& source, const std::filesystem::path& destination,
                  const ImportOptions& options) {
  const FileTree tree(source);
  // All of CIFAR is 180 MB: read whole, by file name.
  std::map<std::string, std::string> files;
  uint64_t total = 0;
  bool pickles = false;
  tree.read(
      [&](const std::string& path, uint64_t) {
        const std::string name = base_name(path);
        pickles |= name == "data_batch_1" || name == "train";
        return name.ends_with(".bin") || name == "batches.meta.txt" ||
               name == "fine_label_names.txt";
      },
      [&](const std::string& path, uint64_t, std::string& bytes) {
        total += bytes.size();
        if (total > uint64_t{256} << 20)
          throw data_error(tree.name() + ": more data than CIFAR has");
        if (!files.emplace(base_name(path), std::move(bytes)).second) {
          throw data_error(fmt::format("{}: holds {} twice", tree.name(), base_name(path)));
        }
        bytes.clear();
      });

  const bool hundred = files.contains("train.bin");
  const uint64_t labels = hundred ? 2 : 1;  // coarse, then fine
  const std::vector<std::string> train_names =
      hundred ? std::vector<std::string>{"train.bin"}
              : std::vector<std::string>{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin"};
  const std::vector<std::string> test_names = {hundred ? "test.bin" : "test_batch.bin"};
  const auto count = [&](const std::vector<std::string>& names) {
    uint64_t rows = 0;
    for (const std::string& name : names) {
      const auto found = files.find(name);
      if (found == files.end()) {
        throw data_error(fmt::format("{}: {} is missing{}", tree.name(), name,
                                     pickles
                                         ? "; this is the Python version, whose pickles can run "
                                           "any code: fetch the binary version"
                                         : ""));
      }
      if (found->second.empty() || found->second.size() % (labels + kPixels) != 0) {
        throw data_error(fmt::format("{}: {} has {} bytes, which is not a whole number of images",
                                     tree.name(), name, found->second.size()));
      }
      rows += found->second.size() / (labels + kPixels);
    }
    return rows;
  };

  NewDataset dataset;
  dataset.element = Element::u8;
  dataset.shape = {3, 32, 32};
  dataset.train_rows = count(train_names);
  dataset.test_rows = count(test_names);
  dataset.source = options.source.empty() ? source.string() : options.source;
  dataset.shuffle_seed = options.shuffle_seed;
  dataset.block_rows = options.block_rows;
  Writer writer(destination, dataset);
  const uint64_t classes = hundred ? 100 : 10;
  std::vector<std::string> names = options.class_names;
  if (names.empty()) names = words_of(files[hundred ? "fine_label_names.txt" : "batches.meta.txt"]);
  if (names.size() != classes) names = numbered_classes(classes);
  writer.set_class_names(std::move(names));

  const auto copy = [&](Split split, const std::vector<std::string>& sources) {
    uint64_t row = 0;
    for (const std::string& name : sources) {
      const std::string& bytes = files[name];
      for (size_t at = 0; at < bytes.size(); at += labels + kPixels) {
        const auto* record = reinterpret_cast<const std::byte*>(bytes.data() + at);
        const auto label = std::to_integer<uint64_t>(record[labels - 1]);
        if (label >= classes) {
          throw data_error(fmt::format("{}: {}: image {} has label {}", tree.name(), name,
                                       at / (labels + kPixels), label));
        }
        writer.put(split, row++, record + labels, static_cast<int64_t>(label));
      }
      if (options.progress) options.progress(row, dataset.train_rows + dataset.test_rows);
    }
  };
  copy(Split::train, train_names);
  copy(Split::test, test_names);
  return writer.finish();
}

}  // namespace ringtrain::datasets
