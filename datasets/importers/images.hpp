// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/image_list.hpp"
#include "datasets/importers/options.hpp"
#include "datasets/importers/resize.hpp"

namespace ringtrain::datasets {

struct ImageSources {
  std::filesystem::path path;  // a folder, a .zip, a .tar or a .tar.gz
  int64_t height = 0;    // both 0: the size of most images if it is at most 224 on a side, else 224
  int64_t width = 0;     // one 0: 224
  int64_t channels = 3;  // or 1: grey
  Fit fit = Fit::crop;
  double test_share = 0.1;  // of the images, drawn by seed, if there is no test split; 0: none
  ImageTables tables = {};  // tables.train empty: the folders of the images are their classes
  bool skip_broken = false;
  int threads = 0;  // 0: one per core
};

struct BrokenImages {
  uint64_t count = 0;
  std::map<std::string, uint64_t> by_folder;
  std::vector<std::string> examples;  // "path: reason" of the first few
};

struct ImportedImages {
  DatasetIndex index;
  BrokenImages broken;                // skipped
  std::vector<std::string> left_out;  // a line for each class folder: see left_out.hpp
  std::string size_note;              // why the samples have their size; empty if it was given
};

// Imports JPEG and PNG files in one folder per class: CLASS/..., or train/CLASS/... and
// test/CLASS/... (val/ counts as the test split if there is no test/). Folders around them are
// ignored. Or else imports those that a table labels. Several threads decode the images and bring
// them to one size. Throws a data error: no images, images outside a class, test classes that
// training lacks, a single class (unless options.one_class), broken images (unless they are
// skipped).
ImportedImages import_images(const ImageSources& given, const std::filesystem::path& destination,
                             const ImportOptions& options);

}  // namespace ringtrain::datasets
