// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/format/layout.hpp"

namespace ringtrain::datasets {

Shape table_shape(uint64_t features) { return {static_cast<int64_t>(features), 1, 1}; }

NewDataset new_dataset(const ImportOptions& options, const std::string& source, ElementType element,
                       const Shape& shape) {
  NewDataset dataset;
  dataset.element = element;
  dataset.shape = shape;
  dataset.source = options.source.empty() ? source : options.source;
  if (options.shuffle_seed == layout::kSourceOrder) {
    throw job_error(
        fmt::format("--seed {}: stands for rows in the order of their source; choose "
                    "another, or --keep-order",
                    options.shuffle_seed));
  }
  dataset.shuffle_seed = options.keep_order ? layout::kSourceOrder : options.shuffle_seed;
  dataset.mean = options.mean;
  dataset.std = options.std;
  dataset.block_rows = options.block_rows;
  return dataset;
}

uint64_t limited(const ImportOptions& options, uint64_t rows) {
  return options.limit == 0 ? rows : std::min(rows, options.limit);
}

void require_two_classes(const ImportOptions& options, const std::string& source, size_t classes,
                         const std::string& why) {
  if (classes > 1 || options.one_class) return;
  throw data_error(fmt::format(
      "{}: all training rows have the same class; --one-class imports them all the same{}", source,
      why));
}

void require_two_values(const ImportOptions& options, const std::string& source,
                        const std::string& target, float least, float largest) {
  if (least < largest || options.one_class) return;
  throw data_error(
      fmt::format("{}: {} is {} in all training rows; --one-class imports them all the same",
                  source, target, least));
}

void refuse_class_names(const ImportOptions& options) {
  if (options.class_names.empty()) return;
  throw job_error("--class-names: the rows have targets, not classes");
}

std::vector<std::string> numbered_classes(uint64_t count) {
  std::vector<std::string> names;
  for (uint64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

std::vector<std::string> class_names_for(const ImportOptions& options, uint64_t classes,
                                         const std::string& source) {
  constexpr uint64_t kMaxClasses = uint64_t{1} << 20;
  if (classes > kMaxClasses) {
    throw data_error(fmt::format("{}: a label of {}; labels must be below {}", source, classes - 1,
                                 kMaxClasses));
  }
  if (options.class_names.empty()) return numbered_classes(classes);
  if (options.class_names.size() < classes) {
    throw job_error(
        fmt::format("--class-names: has {}, but {} has a label of {}: name label 0 first",
                    counted(options.class_names.size(), "name"), source, classes - 1));
  }
  note_classes(options, numbered_classes(options.class_names.size()), options.class_names);
  return options.class_names;
}

void note_classes(const ImportOptions& options, const std::vector<std::string>& words,
                  const std::vector<std::string>& names) {
  constexpr size_t kShown = 12;
  if (!options.note || (words == names && names == numbered_classes(names.size()))) return;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += text.empty() ? "" : ", ";
    text += words == names ? fmt::format("{} {}", i, names[i])
                           : fmt::format("{} for {}", names[i], words[i]);
  }
  if (names.size() > kShown) text += ", ...";
  options.note(words == names ? fmt::format("classes in the order of the alphabet: {}", text)
                              : fmt::format("class names: {}", text));
}

}  // namespace ringtrain::datasets
