// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/importers/image_labels.hpp"
#include "datasets/importers/left_out.hpp"

namespace ringtrain::datasets {

// The row that an image of a tree becomes.
struct ImageTarget {
  Split split = Split::train;
  uint64_t row = 0;
  int64_t label = 0;
};

// The tables that label the images of a tree.
struct ImageTables {
  std::string train;  // a file, or else one inside the tree
  std::string test;   // the same; empty: a share of the training rows, drawn by seed
  ImageTableOptions columns;
};

// Finds the images of a tree and decides which row each becomes: from their paths alone, one folder
// per class, perhaps below train/ and test/; or from a table that labels them.
class ImageList {
 public:
  // test_share: of the images, drawn by seed, if there is no test split; 0: no test rows. Rows are
  // in the order of the tree. Throws a data error.
  ImageList(const FileTree& tree, double test_share, uint64_t seed);
  // Takes the images that the tables name, in their order. Throws a data error.
  ImageList(const FileTree& tree, const ImageTables& tables, double test_share, uint64_t seed);

  // Returns whether the file of this number is to be read.
  bool contains(uint64_t number) const;
  // Returns the row of a file. Throws a data error if another file had this number before.
  // Requires: contains(number).
  const ImageTarget& at(uint64_t number, const std::string& path) const;

  const std::vector<std::string>& class_names() const { return class_names_; }
  uint64_t train_rows() const { return rows_[0]; }
  uint64_t test_rows() const { return rows_[1]; }
  const LeftOut& left_out() const { return left_out_; }
  // The number of names in the path of a class folder.
  size_t class_path_length() const { return class_path_length_; }

 private:
  using Path = std::vector<std::string>;  // folders, then the file
  struct Found {
    uint64_t number;
    Path path;
  };
  struct Entry {
    bool used = false;
    size_t path_hash = 0;  // to notice files that come or go between the two walks
    ImageTarget target;
  };

  std::vector<Path> list(const FileTree& tree);
  void require_images() const;
  void use(const Found& image, Split split, int64_t label);
  void leave_out_unlabelled();
  void find_empty_classes(const std::vector<Path>& folders);
  static Path components(const std::string& path);
  static size_t hash_of(const Path& path);
  size_t depth_of_classes();
  std::optional<Split> split_of(const Path& path) const;
  void find_splits();
  void number_classes(size_t depth);
  void place(double test_share, uint64_t seed, size_t depth);

  std::string tree_name_;
  LeftOut left_out_;
  size_t class_path_length_ = 0;
  std::vector<Found> images_;
  std::optional<size_t> split_depth_;  // of train/ and test/, if there are such folders
  bool has_test_ = false;              // a folder test/
  bool has_test_rows_ = false;         // any folder beside train/
  std::map<std::string, int64_t> labels_;
  std::vector<std::string> class_names_;
  std::vector<Entry> entries_;  // by number in the tree
  std::array<uint64_t, 2> rows_ = {0, 0};
};

}  // namespace ringtrain::datasets
