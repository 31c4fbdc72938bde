// SPDX-License-Identifier: Apache-2.0
// A good dataset file for a test to spoil.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "datasets/reading/open.hpp"
#include "datasets/writing/hdf5_handle.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets::testing {

// Opens a dataset with libhdf5 and spoils it.
inline void spoil(const std::filesystem::path& path,
                  const std::function<void(hid_t file)>& change) {
  prepare_hdf5();
  const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate"), H5Pclose);
  check_hdf5_status(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), "libver");
  Hdf5Handle file(check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDWR, access), "open"), H5Fclose);
  change(file);
  file.close();
}

// Puts another dataset in the place of `name`, made by `configure` on the creation properties.
inline void replace(hid_t file, const char* name, hid_t type, std::vector<hsize_t> dims,
                    const std::function<void(hid_t creation)>& configure) {
  H5Ldelete(file, name, H5P_DEFAULT);
  const Hdf5Handle space(
      check_hdf5(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                 "H5Screate_simple"),
      H5Sclose);
  const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_DATASET_CREATE), "H5Pcreate"), H5Pclose);
  configure(creation);
  const Hdf5Handle dataset(
      check_hdf5(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name),
      H5Dclose);
}

class SpoiledDataset : public ::testing::Test {
 protected:
  SpoiledDataset() { index_ = write_dataset(path_); }

  // Returns the one line with which the file is refused.
  std::string refusal() const {
    const std::string message = data_refusal([&] { open_dataset(path_); });
    EXPECT_THAT(message, ::testing::HasSubstr(path_.string()));
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }
  std::string spoiled(const std::function<void(hid_t file)>& change) const {
    spoil(path_, change);
    return refusal();
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "set.h5";
  DatasetIndex index_;
};

}  // namespace ringtrain::datasets::testing
