// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/import_kinds.hpp"

#include <utility>

namespace ringtrain::server {
namespace {

using Type = ImportOption::Type;
using Options = std::vector<ImportOption>;

const ImportOption kTestShare{
    "test_share", Type::number,
    "Part of the rows that is for tests, above 0 and below 1; 0.1 without it"};

Options operator+(Options one, const Options& more) {
  one.insert(one.end(), more.begin(), more.end());
  return one;
}

Options common() {
  return {{"class_names", Type::words, "Names of the classes, label 0 first"},
          {"seed", Type::whole, "Seed of row order and test rows"},
          {"block_rows", Type::whole, "Rows that are read together"},
          {"one_class", Type::flag, "Accept training rows that all have the same class or target"}};
}

Options of_arrays() {
  return {
      {"labels",
       Type::text,
       "Labels are classes, or targets: numbers to predict",
       {"auto", "classes", "targets"}},
      {"target_names", Type::words, "Names of the targets"},
      {"floats", Type::flag, "Normalise samples of 32 and 64-bit whole numbers"},
      {"channels", Type::text, "Channels are a sample's first or last", {"auto", "first", "last"}}};
}

Options of_images() {
  return {{"height", Type::whole, "Sample height in pixels; as most images without it"},
          {"width", Type::whole, "Sample width in pixels"},
          {"channels", Type::text, "3: colour, 1: grey", {"3", "1"}},
          {"fit", Type::text, "crop: cut to the shape; stretch: distort", {"crop", "stretch"}},
          {"broken", Type::text, "If an image cannot be decoded", {"refuse", "skip"}},
          kTestShare};
}

Options of_csv() {
  return {{"label", Type::text, "Label column, by name or number from 1; the last without it"},
          {"target", Type::words, "Columns of numbers to predict, instead of a label"},
          {"separator", Type::text, "Column separator; tab: a tab"},
          kTestShare};
}

Options of_hdf5() {
  return {{"train_x", Type::text, "Path of the training samples in the file", {}, true},
          {"train_y", Type::text, "Path of their labels", {}, true},
          {"test_x", Type::text, "Path of the test samples"},
          {"test_y", Type::text, "Path of their labels"},
          kTestShare};
}

}  // namespace

const std::vector<ImportKind>& all_import_kinds() {
  static const std::vector<ImportKind> kinds = {
      {"images",
       "Images (JPEG, PNG) in a folder for each class, as .zip or .tar(.gz)",
       {{"source", "The archive"}},
       of_images() + common()},
      {"csv",
       "A table: columns of numbers, and one of labels or some of targets",
       {{"file", "The table"}, {"test", "A second table, of test rows", false, "--test"}},
       of_csv() + common()},
      {"npy",
       "Four NumPy files",
       {{"train_features", "Training samples: an array whose first dimension counts them"},
        {"train_labels", "Their classes or targets"},
        {"test_features", "Test samples of the same shape"},
        {"test_labels", "Their classes or targets"}},
       of_arrays() + common()},
      {"idx",
       "Four IDX files, as of MNIST, .gz too",
       {{"train_images", "IDX file of the training images"},
        {"train_labels", "Their classes or targets"},
        {"test_images", "IDX file of the test images"},
        {"test_labels", "Their classes or targets"}},
       common()},
      {"cifar",
       "CIFAR-10 or CIFAR-100, its binary version, as .tar.gz",
       {{"source", "The archive"}},
       common()},
      {"hdf5",
       "Arrays of an HDF5 file that another program wrote",
       {{"file", "The file"}},
       of_hdf5() + of_arrays() + common()},
      {"ringtrain",
       "A dataset that ringtrain has made: every byte is checked, and it stays as it is",
       {{"file", "The file"}},
       {}}};
  return kinds;
}

}  // namespace ringtrain::server
