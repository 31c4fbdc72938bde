// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/hdf5_child.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "datasets/importers/arrays/array_source.hpp"
#include "datasets/writing/foreign_hdf5.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kSlabBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxChunkRowBytes = uint64_t{256} << 20;

std::string_view bytes_of(const void* data, size_t size) {
  return {static_cast<const char*>(data), size};
}

struct NativeType {
  NumberType type;
  hid_t memory;
};

NativeType native_type(hid_t type, const std::string& name) {
  const size_t size = H5Tget_size(type);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_INTEGER) {
    const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    switch (size) {
      case 1:
        return is_signed ? NativeType{NumberType::i8, H5T_NATIVE_INT8}
                         : NativeType{NumberType::u8, H5T_NATIVE_UINT8};
      case 2:
        return is_signed ? NativeType{NumberType::i16, H5T_NATIVE_INT16}
                         : NativeType{NumberType::u16, H5T_NATIVE_UINT16};
      case 4:
        return is_signed ? NativeType{NumberType::i32, H5T_NATIVE_INT32}
                         : NativeType{NumberType::u32, H5T_NATIVE_UINT32};
      case 8:
        return is_signed ? NativeType{NumberType::i64, H5T_NATIVE_INT64}
                         : NativeType{NumberType::u64, H5T_NATIVE_UINT64};
      default:
        break;
    }
  }
  // libhdf5 converts half floats itself.
  if (kind == H5T_FLOAT && size <= 4) return {NumberType::f32, H5T_NATIVE_FLOAT};
  if (kind == H5T_FLOAT && size == 8) return {NumberType::f64, H5T_NATIVE_DOUBLE};
  throw data_error(fmt::format("{}: its type is not whole numbers or floats", name));
}

// A dataset of the file, checked, and the steps in which its rows are read.
class Dataset {
 public:
  Dataset(const std::filesystem::path& path, const std::string& dataset)
      : name_(path.string() + ":" + dataset), file_(open_foreign_hdf5(path)) {
    require_hard_links(file_, dataset, name_);
    const Hdf5Handle probe(check_hdf5(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT), name_),
                           H5Dclose);
    require_own_data(probe, name_);
    const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(probe), name_), H5Pclose);
    const Hdf5Handle type(check_hdf5(H5Dget_type(probe), name_), H5Tclose);
    native_ = native_type(type, name_);
    space_ = Hdf5Handle(check_hdf5(H5Dget_space(probe), name_), H5Sclose);
    find_shape();
    const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_DATASET_ACCESS), "H5Pcreate"), H5Pclose);
    find_step(creation, access);
    data_ = Hdf5Handle(check_hdf5(H5Dopen2(file_, dataset.c_str(), access), name_), H5Dclose);
  }

  Hdf5Header header() const {
    Hdf5Header header;
    header.type = static_cast<uint32_t>(native_.type);
    header.rank = static_cast<uint32_t>(rank_);
    std::copy(dims_.begin(), dims_.end(), header.dims.begin());
    return header;
  }

  void write_rows(int out) const {
    std::vector<std::byte> slab(std::min<uint64_t>(step_, dims_[0]) * row_bytes_);
    for (uint64_t first = 0; first < dims_[0]; first += step_) {
      Dims start{};
      Dims count = dims_;
      start[0] = first;
      count[0] = std::min<uint64_t>(step_, dims_[0] - first);
      check_hdf5_status(
          H5Sselect_hyperslab(space_, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
          name_);
      const Hdf5Handle memory(check_hdf5(H5Screate_simple(rank_, count.data(), nullptr), name_),
                              H5Sclose);
      check_hdf5_status(H5Dread(data_, native_.memory, memory, space_, H5P_DEFAULT, slab.data()),
                        name_ + ": reading");
      const std::string_view rows = bytes_of(slab.data(), count[0] * row_bytes_);
      if (write_all(out, rows) < rows.size()) return;
    }
  }

 private:
  using Dims = std::array<hsize_t, kHdf5MaxDims>;

  void find_shape() {
    rank_ = H5Sget_simple_extent_ndims(space_);
    if (rank_ < 1 || rank_ > static_cast<int>(kHdf5MaxDims)) {
      throw data_error(name_ + ": has no rows");
    }
    H5Sget_simple_extent_dims(space_, dims_.data(), nullptr);
    row_bytes_ = size_of(native_.type);
    for (size_t i = 0; i < static_cast<size_t>(rank_); ++i) {
      if (dims_[i] == 0) throw data_error(name_ + ": has no rows");
      if (i > 0 && (__builtin_mul_overflow(row_bytes_, dims_[i], &row_bytes_) ||
                    row_bytes_ > uint64_t{1} << 30)) {
        throw data_error(name_ + ": rows of more than 1 GiB");
      }
    }
  }

  // Reads whole chunks at a time, so that each is unpacked once.
  void find_step(hid_t creation, hid_t access) {
    step_ = std::max<uint64_t>(1, kSlabBytes / row_bytes_);
    if (H5Pget_layout(creation) != H5D_CHUNKED) return;
    Dims chunk{};
    check_hdf5_status(H5Pget_chunk(creation, rank_, chunk.data()), name_);
    step_ = std::max<uint64_t>(1, step_ / chunk[0]) * chunk[0];
    if (step_ > kMaxChunkRowBytes / row_bytes_) {
      throw data_error(name_ + ": chunks of more than 256 MiB");
    }
    check_hdf5_status(H5Pset_chunk_cache(access, 10007, step_ * row_bytes_, 1.0), name_);
  }

  std::string name_;
  Hdf5Handle file_;
  Hdf5Handle space_;
  Hdf5Handle data_;
  NativeType native_{};
  int rank_ = 0;
  Dims dims_{};
  uint64_t row_bytes_ = 0;
  uint64_t step_ = 0;  // rows read at a time
};

}  // namespace

int run_hdf5_child(const std::filesystem::path& path, const std::string& dataset, int out) {
  bool rows_begun = false;
  try {
    const Dataset data(path, dataset);
    const Hdf5Header header = data.header();
    rows_begun = true;
    if (write_all(out, bytes_of(&header, sizeof header)) == sizeof header) data.write_rows(out);
  } catch (const std::exception& error) {
    // Among rows there is no room for a message: they end early, and the exit status says why.
    if (!rows_begun) {
      Hdf5Header header;
      const std::string text = error.what();
      header.error_bytes = static_cast<uint32_t>(std::min<size_t>(text.size(), 4000));
      write_all(out, bytes_of(&header, sizeof header));
      write_all(out, text.substr(0, header.error_bytes));
    }
    return 1;
  }
  return 0;
}

}  // namespace ringtrain::datasets
