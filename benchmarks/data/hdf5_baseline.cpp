// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/data/hdf5_baseline.hpp"

#include <vector>

#include "datasets/writing/hdf5_handle.hpp"

namespace ringtrain::benchmarks {

using namespace datasets;

uint64_t read_with_libhdf5(const datasets::DatasetIndex& index,
                           const std::function<void(uint64_t& first, uint64_t& count)>& next) {
  prepare_hdf5();
  const std::string& path = index.shards.front().path;
  const Hdf5Handle file(check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), path),
                        H5Fclose);
  const Hdf5Handle x(check_hdf5(H5Dopen2(file, "/train/x", H5P_DEFAULT), path), H5Dclose);
  const Hdf5Handle space(check_hdf5(H5Dget_space(x), path), H5Sclose);
  const hid_t type = index.element == ElementType::u8 ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT;
  std::vector<std::byte> buffer(index.block_rows * index.row_bytes());
  uint64_t rows = 0;
  for (;;) {
    uint64_t first = 0;
    uint64_t many = 0;
    next(first, many);
    if (many == 0) return rows;
    const hsize_t start[] = {first, 0, 0, 0};
    const hsize_t count[] = {many, static_cast<hsize_t>(index.shape.channels),
                             static_cast<hsize_t>(index.shape.height),
                             static_cast<hsize_t>(index.shape.width)};
    const Hdf5Handle memory(check_hdf5(H5Screate_simple(4, count, nullptr), path), H5Sclose);
    check_hdf5_status(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr),
                      path);
    check_hdf5_status(H5Dread(x, type, memory, space, H5P_DEFAULT, buffer.data()), path);
    rows += many;
  }
}

}  // namespace ringtrain::benchmarks
