// SPDX-License-Identifier: Apache-2.0
// Labels of images in a text table: a column of file names and a column of labels.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::datasets {

// The files of a tree that are images, found by the names that a table gives them.
class ImageNames {
 public:
  // path: inside the tree; number: the caller's.
  void add(std::string path, uint64_t number);
  // Finds the image that a table calls `name`: its path in the tree, the end of it ("1.jpg" for
  // "train/1.jpg"), or such a path without .jpg, .jpeg or .png. Throws a data error (of the reason,
  // for a line of the table) if there are several.
  std::optional<uint64_t> find(std::string_view name);

 private:
  struct Image {
    std::string path;
    uint64_t number;
  };
  void sort();
  std::optional<uint64_t> find_exactly(std::string_view name) const;

  std::vector<Image> images_;  // by the path read backwards, so that equal ends lie side by side
  bool is_sorted_ = true;
};

struct ImageTableOptions {
  std::string file_column;   // by name or number from 1; empty: the first
  std::string label_column;  // the same; empty: the last
  char separator = ',';
  uint64_t limit = 0;  // the first rows alone; 0: all
};

struct LabelledImage {
  uint64_t image = 0;  // the number of ImageNames
  std::string label;
};

// Reads a table, plain or gzipped, with or without a line of column names. Throws a data error with
// file and line: a column or an image that is not there, an image that comes twice, an empty label.
std::vector<LabelledImage> read_image_table(std::unique_ptr<ByteSource> bytes, ImageNames& images,
                                            const ImageTableOptions& options);

}  // namespace ringtrain::datasets
