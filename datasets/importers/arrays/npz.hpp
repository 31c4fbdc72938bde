// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "datasets/importers/arrays/array_source.hpp"

namespace ringtrain::datasets {

// The names of the arrays of splits in an archive.
struct ArrayNames {
  std::string train_x;
  std::string train_y;
  std::string test_x;  // both or none
  std::string test_y;
};

// An archive of NumPy's numpy.savez or savez_compressed: a .zip of .npy files, each unpacked as it
// is read.
class Npz {
 public:
  // Reads the names of the arrays. Throws a data error: no zip archive, damaged, two arrays of one
  // name, or none.
  explicit Npz(const std::filesystem::path& path);

  const std::vector<std::string>& names() const { return names_; }

  // Returns the given names, or else the usual ones: x_train and y_train with x_test and y_test,
  // train_x and so on, or x and y. Throws a data error that lists the arrays if none is there.
  ArrayNames find(const ArrayNames& given) const;

  // Opens an array. Throws a data error: no such array, and those of npy_source().
  std::unique_ptr<ArraySource> open(const std::string& name) const;

 private:
  std::string list() const;

  std::filesystem::path path_;
  std::vector<std::string> names_;
};

}  // namespace ringtrain::datasets
