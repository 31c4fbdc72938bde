// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/options.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain::datasets {

Shape table_shape(uint64_t features) { return {static_cast<int64_t>(features), 1, 1}; }

NewDataset new_dataset(const ImportOptions& options, const std::string& source, ElementType element,
                       const Shape& shape) {
  NewDataset dataset;
  dataset.element = element;
  dataset.shape = shape;
  dataset.source = options.source.empty() ? source : options.source;
  dataset.shuffle_seed = options.shuffle_seed;
  dataset.block_rows = options.block_rows;
  return dataset;
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
  throw data_error("--class-names: the rows have targets, not classes");
}

std::vector<std::string> numbered_classes(uint64_t count) {
  std::vector<std::string> names;
  for (uint64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

std::vector<std::string> class_names_for(const ImportOptions& options, uint64_t classes) {
  constexpr uint64_t kMaxClasses = uint64_t{1} << 20;
  if (classes > kMaxClasses) {
    throw data_error(fmt::format("{}: a label of {}; labels must be below {}", options.source,
                                 classes - 1, kMaxClasses));
  }
  if (options.class_names.empty()) return numbered_classes(classes);
  if (options.class_names.size() < classes) {
    throw data_error(fmt::format("{}: a label of {}, but only {} class names were given",
                                 options.source, classes - 1, options.class_names.size()));
  }
  return options.class_names;
}

}  // namespace ringtrain::datasets
