// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/hdf5_file_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "datasets/format/layout.hpp"

namespace ringtrain::datasets {
namespace {

constexpr hsize_t kPage = 4096;

Hdf5Handle create_file(const std::filesystem::path& path) {
  prepare_hdf5();
  const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate"), H5Pclose);
  // The newest format has a checksum on every piece of metadata; the oldest has none.
  check_hdf5_status(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110),
                    "H5Pset_libver_bounds");
  // Rows begin on a page, so that blocks map and read directly.
  check_hdf5_status(H5Pset_alignment(access, 16 * kPage, kPage), "H5Pset_alignment");
  // The file is ours alone under its temporary name, and some network file systems cannot lock.
  check_hdf5_status(H5Pset_file_locking(access, false, true), "H5Pset_file_locking");
  const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_FILE_CREATE), "H5Pcreate"), H5Pclose);
  // Attributes stay in the root group's header, whatever their number.
  check_hdf5_status(H5Pset_attr_phase_change(creation, 64, 0), "H5Pset_attr_phase_change");
  check_hdf5_status(H5Pset_link_phase_change(creation, 64, 0), "H5Pset_link_phase_change");
  check_hdf5_status(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times");
  return {check_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access),
                     fmt::format("{}: creating the HDF5 file", path.string())),
          H5Fclose};
}

hid_t element_type(ElementType element) {
  if (element == ElementType::i64) return H5T_STD_I64LE;
  return element == ElementType::u8 ? H5T_STD_U8LE : H5T_IEEE_F32LE;
}

Hdf5Handle string_type(size_t size) {
  Hdf5Handle type(check_hdf5(H5Tcopy(H5T_C_S1), "H5Tcopy"), H5Tclose);
  check_hdf5_status(H5Tset_size(type, std::max<size_t>(size, 1)), "H5Tset_size");
  check_hdf5_status(H5Tset_strpad(type, H5T_STR_NULLPAD), "H5Tset_strpad");
  check_hdf5_status(H5Tset_cset(type, H5T_CSET_UTF8), "H5Tset_cset");
  return type;
}

}  // namespace

Hdf5FileWriter::Hdf5FileWriter(const std::filesystem::path& path, const DatasetIndex& index)
    : name_(path.string()), file_(create_file(path)) {
  const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_GROUP_CREATE), "H5Pcreate"), H5Pclose);
  // The same rows make the same file, byte by byte, whenever they are imported.
  check_hdf5_status(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times");
  const hid_t x_type = element_type(index.element);
  for (const Split split : {Split::train, Split::test}) {
    const std::string group = "/" + std::string(name_of(split));
    Hdf5Handle(check_hdf5(H5Gcreate2(file_, group.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT),
                          name_ + ": creating a group"),
               H5Gclose)
        .close();
    const uint64_t rows = index.split(split).rows;
    const uint64_t blocks = index.blocks(split);
    const Hdf5Handle x = create_dataset(
        layout::path(split, layout::kX), x_type,
        {rows, static_cast<hsize_t>(index.shape.channels), static_cast<hsize_t>(index.shape.height),
         static_cast<hsize_t>(index.shape.width)});
    const std::string y_path = layout::path(split, layout::kY);
    const Hdf5Handle y = index.has_targets() ? create_dataset(y_path, H5T_IEEE_F32LE,
                                                              {rows, index.targets.names.size()})
                                             : create_dataset(y_path, H5T_STD_I64LE, {rows});
    create_dataset(layout::path(split, layout::kXCrc32c), H5T_STD_U32LE, {blocks}).close();
    create_dataset(layout::path(split, layout::kYCrc32c), H5T_STD_U32LE, {blocks}).close();
    if (rows == 0) continue;
    const haddr_t x_offset = H5Dget_offset(x);
    const haddr_t y_offset = H5Dget_offset(y);
    if (x_offset == HADDR_UNDEF || y_offset == HADDR_UNDEF) {
      throw data_error(name_ + ": HDF5 did not allocate the rows");
    }
    x_offset_[static_cast<size_t>(split)] = x_offset;
    y_offset_[static_cast<size_t>(split)] = y_offset;
  }
}

Hdf5Handle Hdf5FileWriter::create_dataset(const std::string& path, hid_t type,
                                          const std::vector<hsize_t>& dims) {
  const Hdf5Handle space(
      check_hdf5(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                 "H5Screate_simple"),
      H5Sclose);
  const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_DATASET_CREATE), "H5Pcreate"), H5Pclose);
  check_hdf5_status(H5Pset_layout(creation, H5D_CONTIGUOUS), "H5Pset_layout");
  check_hdf5_status(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
  check_hdf5_status(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
  // The same rows give the same bytes whenever they are imported.
  check_hdf5_status(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times");
  return {
      check_hdf5(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT),
                 fmt::format("{}: creating {}", name_, path)),
      H5Dclose};
}

void Hdf5FileWriter::write_number(const char* name, uint64_t value) {
  const Hdf5Handle space(check_hdf5(H5Screate(H5S_SCALAR), "H5Screate"), H5Sclose);
  const Hdf5Handle attribute(
      check_hdf5(H5Acreate2(file_, name, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT), name),
      H5Aclose);
  check_hdf5_status(H5Awrite(attribute, H5T_NATIVE_UINT64, &value), name);
}

void Hdf5FileWriter::write_text(const char* name, const std::string& value) {
  // An attribute in an object header is at most 64 KiB; a long source path loses its end.
  const std::string bounded = value.substr(0, 4096);
  const Hdf5Handle space(check_hdf5(H5Screate(H5S_SCALAR), "H5Screate"), H5Sclose);
  const Hdf5Handle type = string_type(bounded.size());
  const Hdf5Handle attribute(
      check_hdf5(H5Acreate2(file_, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name), H5Aclose);
  check_hdf5_status(H5Awrite(attribute, type, bounded.c_str()), name);
}

void Hdf5FileWriter::write_floats(const char* name, const std::vector<float>& values) {
  const hsize_t size = values.size();
  if (size > layout::kMostFloatsInAttribute) {
    const Hdf5Handle dataset = create_dataset(std::string("/") + name, H5T_IEEE_F32LE, {size});
    check_hdf5_status(
        H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), name);
    return;
  }
  const Hdf5Handle space(check_hdf5(H5Screate_simple(1, &size, nullptr), "H5Screate_simple"),
                         H5Sclose);
  const Hdf5Handle attribute(
      check_hdf5(H5Acreate2(file_, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT), name),
      H5Aclose);
  check_hdf5_status(H5Awrite(attribute, H5T_NATIVE_FLOAT, values.data()), name);
}

void Hdf5FileWriter::write_names(const char* path, const std::vector<std::string>& names) {
  size_t longest = 1;
  for (const std::string& name : names) longest = std::max(longest, name.size());
  std::string bytes(longest * names.size(), '\0');
  for (size_t i = 0; i < names.size(); ++i) names[i].copy(bytes.data() + i * longest, longest);
  const Hdf5Handle type = string_type(longest);
  Hdf5Handle dataset = create_dataset(path, type, {names.size()});
  check_hdf5_status(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
                    fmt::format("{}: writing {}", name_, path));
  dataset.close();
}

void Hdf5FileWriter::write_targets(const Targets& targets) {
  write_names(layout::kTargetNames, targets.names);
  write_floats(layout::kTargetMean, targets.mean);
  write_floats(layout::kTargetStd, targets.std);
  write_floats(layout::kTargetLeast, targets.least);
  write_floats(layout::kTargetLargest, targets.largest);
}

void Hdf5FileWriter::finish(const DatasetIndex& index, const ShardPlace& place) {
  for (const Split split : {Split::train, Split::test}) {
    if (index.split(split).rows == 0) continue;
    const Piece& piece = index.split(split).pieces.front();
    const auto write = [&](const char* name, const std::vector<uint32_t>& values) {
      const std::string path = layout::path(split, name);
      const Hdf5Handle dataset(check_hdf5(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), path),
                               H5Dclose);
      check_hdf5_status(
          H5Dwrite(dataset, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          fmt::format("{}: writing {}", name_, path));
    };
    write(layout::kXCrc32c, piece.x_crc32c);
    write(layout::kYCrc32c, piece.y_crc32c);
  }

  if (index.has_targets()) {
    write_targets(index.targets);
  } else {
    write_names(layout::kClassNames, index.class_names);
  }
  const bool as_before = !index.has_targets() && index.element != ElementType::i64;
  write_number(layout::kFormatVersion, as_before ? 1 : layout::kVersion);
  write_text(layout::kUuid, index.uuid);
  write_floats(layout::kMean, index.mean);
  write_floats(layout::kStd, index.std);
  write_text(layout::kSource, index.source);
  write_text(layout::kSourceSha256, index.source_sha256);
  write_number(layout::kShuffleSeed, index.shuffle_seed);
  write_number(layout::kBlockRows, index.block_rows);
  write_number(layout::kShardIndex, index.shard_index);
  write_number(layout::kShardCount, index.shard_count);
  write_number(layout::kTrainFirstRow, place.first_row[0]);
  write_number(layout::kTestFirstRow, place.first_row[1]);
  write_number(layout::kTrainTotalRows, place.total_rows[0]);
  write_number(layout::kTestTotalRows, place.total_rows[1]);
  file_.close();
}

}  // namespace ringtrain::datasets
