// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/format/progress.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {

// The options of every importer.
struct ImportOptions {
  std::string source;                    // for people; empty: the importer names its files
  std::string source_sha256;             // of the main source file, if known
  uint64_t shuffle_seed = 0;             // of the order in which rows are written, and of test rows
  bool keep_order = false;               // rows are written in the order of the source
  uint64_t limit = 0;                    // of the training source only the first rows; 0: all
  std::vector<float> mean = {};          // given, one value or one a channel; else of training rows
  std::vector<float> std = {};           // the same
  uint64_t block_rows = 0;               // 0: chosen by the size of a row
  std::vector<std::string> class_names;  // empty: from the source, else the labels as numbers
  bool one_class = false;  // whether all training rows may have the same class or target
  Progress progress;
  std::function<void(const std::string& line)> note = {};  // gets what the user should know
};

// Returns the shape of a table's row: a feature is a channel of one pixel, since features have
// scales of their own, and mean and std exist per channel.
Shape table_shape(uint64_t features);

// Starts a dataset with what the options say; `source` is its name unless they have one.
NewDataset new_dataset(const ImportOptions& options, const std::string& source, ElementType element,
                       const Shape& shape);

// Returns how many of a source's training rows are imported.
uint64_t limited(const ImportOptions& options, uint64_t rows);

// Throws a data error if the training rows have one class alone, which teaches a model nothing,
// unless options.one_class. why: the end of the message, if the cause is known.
void require_two_classes(const ImportOptions& options, const std::string& source, size_t classes,
                         const std::string& why = "");

// The same for the values of a target, which lie between `least` and `largest`.
void require_two_values(const ImportOptions& options, const std::string& source,
                        const std::string& target, float least, float largest);

// Throws a data error if the options name classes, for rows that have targets.
void refuse_class_names(const ImportOptions& options);

// Returns "0" to "count - 1".
std::vector<std::string> numbered_classes(uint64_t count);

// Returns the names given, or numbers, and notes which label got which name. Throws a data error
// that names the source, if they are too few for labels below `classes`.
std::vector<std::string> class_names_for(const ImportOptions& options, uint64_t classes,
                                         const std::string& source);

// Notes which word of the source, a label or a folder, became which class under which name; none
// where words are the numbers of the classes and stay their names. Vectors: [classes].
void note_classes(const ImportOptions& options, const std::vector<std::string>& words,
                  const std::vector<std::string>& names);

}  // namespace ringtrain::datasets
