// SPDX-License-Identifier: Apache-2.0
// Files made to fool a reader, each built here, each refused with one clear line.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/crc32c.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/writing/hdf5_handle.hpp"
#include "tests/unit/datasets/format/spoiled_dataset.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::HasSubstr;
using testing::replace;
using testing::write_dataset;

class Hostile : public testing::SpoiledDataset {};

const std::vector<hsize_t> kTrainX = {1000, 1, 4, 5};

TEST_F(Hostile, ExternalStorageIsNeverRead) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/x", H5T_STD_U8LE, kTrainX,
                        [](hid_t creation) { H5Pset_external(creation, "/etc/passwd", 0, 20000); });
              }),
              HasSubstr("/train/x: its data lies in an external file, which is refused"));
}

TEST_F(Hostile, StatisticsOfAnotherTypeOrShapeAreRefused) {
  const auto with_mean = [&](hid_t type, const std::vector<hsize_t>& dims) {
    return spoiled([&](hid_t file) {
      replace(file, "/mean", type, dims,
              [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); });
    });
  };
  const std::string why = "dataset /mean has the wrong type or shape";
  EXPECT_THAT(with_mean(H5T_STD_U8LE, {1}), HasSubstr(why));
  EXPECT_THAT(with_mean(H5T_IEEE_F32LE, {1, 1}), HasSubstr(why));
  EXPECT_THAT(with_mean(H5T_IEEE_F32LE, {1 << 21}), HasSubstr(why));
  EXPECT_THAT(with_mean(H5T_IEEE_F32LE, {3}), HasSubstr("must have one value per channel"));
}

TEST_F(Hostile, UnallocatedDatasetIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/x", H5T_STD_U8LE, kTrainX,
                        [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_LATE); });
              }),
              HasSubstr("/train/x: no data was ever written to it"));
}

TEST_F(Hostile, ChunkedDatasetIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/x", H5T_STD_U8LE, kTrainX, [](hid_t creation) {
                  const hsize_t chunk[] = {10, 1, 4, 5};
                  H5Pset_chunk(creation, 4, chunk);
                });
              }),
              HasSubstr("/train/x: is stored in chunks, not contiguously"));
}

TEST_F(Hostile, CompressedDatasetIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/x", H5T_STD_U8LE, kTrainX, [](hid_t creation) {
                  const hsize_t chunk[] = {10, 1, 4, 5};
                  H5Pset_chunk(creation, 4, chunk);
                  H5Pset_deflate(creation, 1);
                });
              }),
              HasSubstr("/train/x: is compressed; use: ringtrain dataset import hdf5"));
}

TEST_F(Hostile, CompactDatasetIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/y", H5T_STD_I64LE, {1000},
                        [](hid_t creation) { H5Pset_layout(creation, H5D_COMPACT); });
              }),
              HasSubstr("/train/y: is stored compactly"));
}

TEST_F(Hostile, VirtualDatasetIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/y", H5T_STD_I64LE, {1000}, [](hid_t creation) {
                  const hsize_t dims[] = {1000};
                  const Hdf5Handle space(H5Screate_simple(1, dims, nullptr), H5Sclose);
                  H5Pset_virtual(creation, space, "/etc/other.h5", "/y", space);
                });
              }),
              HasSubstr("/train/y: is stored virtually"));
}

TEST_F(Hostile, SoftLinkIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                H5Lmove(file, "/train/x", file, "/elsewhere", H5P_DEFAULT, H5P_DEFAULT);
                H5Lcreate_soft("/elsewhere", file, "/train/x", H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("/train: x is a soft link; only hard links are allowed"));
}

TEST_F(Hostile, ExternalLinkIsRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                H5Ldelete(file, "/train/x", H5P_DEFAULT);
                H5Lcreate_external("/etc/other.h5", "/x", file, "/train/x", H5P_DEFAULT,
                                   H5P_DEFAULT);
              }),
              HasSubstr("/train: x is an external link; only hard links are allowed"));
}

TEST_F(Hostile, WrongTypesAreRefused) {
  for (const hid_t type : {H5T_STD_I32LE, H5T_STD_U16LE, H5T_IEEE_F64LE, H5T_STD_I64BE}) {
    EXPECT_THAT(spoiled([&](hid_t file) {
                  replace(file, "/train/x", type, kTrainX, [](hid_t creation) {
                    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
                  });
                }),
                HasSubstr("/train/x: its type is not one of"));
  }
}

TEST_F(Hostile, VariableLengthStringsAreRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
                H5Tset_size(type, H5T_VARIABLE);
                replace(file, "/class_names", type, {10},
                        [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); });
              }),
              HasSubstr("/class_names: its type is not one of"));
}

TEST_F(Hostile, WrongShapesAreRefused) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/x", H5T_STD_U8LE, {1000, 20},
                        [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); });
              }),
              HasSubstr("/train/x must have the shape [rows, channels, height, width]"));
  write_dataset(path_);
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/y", H5T_STD_I64LE, {999},
                        [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); });
              }),
              HasSubstr("/train/y must be i64 and as long as x"));
  write_dataset(path_);
  EXPECT_THAT(spoiled([](hid_t file) { H5Ldelete(file, "/test", H5P_DEFAULT); }),
              HasSubstr("dataset /test/x is missing"));
}

TEST_F(Hostile, WrongAttributesAreRefused) {
  const auto set_number = [](hid_t file, const char* name, uint64_t value) {
    const Hdf5Handle attribute(check_hdf5(H5Aopen(file, name, H5P_DEFAULT), name), H5Aclose);
    check_hdf5_status(H5Awrite(attribute, H5T_NATIVE_UINT64, &value), name);
  };
  const auto refusal_of = [&](const char* name, uint64_t value) {
    write_dataset(path_);
    return spoiled([&](hid_t file) { set_number(file, name, value); });
  };
  EXPECT_THAT(refusal_of(layout::kBlockRows, 0), HasSubstr("block_rows is 0"));
  EXPECT_THAT(refusal_of(layout::kBlockRows, ~uint64_t{0}), HasSubstr("block_rows is"));
  EXPECT_THAT(refusal_of(layout::kBlockRows, 32), HasSubstr("one u32 for each of the 32 blocks"));
  EXPECT_THAT(refusal_of(layout::kFormatVersion, 99), HasSubstr("format version 99"));
  EXPECT_THAT(refusal_of(layout::kShardCount, 0), HasSubstr("shards is impossible"));
  EXPECT_THAT(refusal_of(layout::kTrainFirstRow, ~uint64_t{0}), HasSubstr("is impossible"));
  write_dataset(path_);
  EXPECT_THAT(spoiled([](hid_t file) { H5Adelete(file, layout::kMean); }),
              HasSubstr("attribute mean is missing"));
  write_dataset(path_);
  EXPECT_THAT(spoiled([](hid_t file) {
                const float zero = 0;
                const Hdf5Handle attribute(H5Aopen(file, layout::kStd, H5P_DEFAULT), H5Aclose);
                H5Awrite(attribute, H5T_NATIVE_FLOAT, &zero);
              }),
              HasSubstr("std has a value that is not finite and positive"));
}

TEST_F(Hostile, LabelsOutsideTheClassesAreRefused) {
  // With a checksum that fits, as a forger would write it.
  for (const int64_t label : {int64_t{10}, int64_t{-1}}) {
    write_dataset(path_);
    const std::string message = spoiled([&](hid_t file) {
      const Hdf5Handle y(H5Dopen2(file, "/train/y", H5P_DEFAULT), H5Dclose);
      std::vector<int64_t> labels(1000);
      H5Dread(y, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data());
      labels[100] = label;
      H5Dwrite(y, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data());
      const Hdf5Handle crc(H5Dopen2(file, "/train/y_crc32c", H5P_DEFAULT), H5Dclose);
      std::vector<uint32_t> sums(16);
      H5Dread(crc, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, sums.data());
      sums[1] = crc32c(labels.data() + 64, 64 * sizeof(int64_t));
      H5Dwrite(crc, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, sums.data());
    });
    EXPECT_THAT(message, HasSubstr("outside 0..9 in rows 64 to 127"));
  }
}

void set_floats(hid_t file, const char* name, const std::vector<float>& values) {
  const Hdf5Handle attribute(check_hdf5(H5Aopen(file, name, H5P_DEFAULT), name), H5Aclose);
  check_hdf5_status(H5Awrite(attribute, H5T_NATIVE_FLOAT, values.data()), name);
}

TEST_F(Hostile, TargetsOutsideTheirRangeAreRefused) {
  // With a checksum that fits, as a forger would write it.
  for (const float value : {std::nanf(""), INFINITY, -1.0F}) {
    write_dataset(path_, {.targets = 2});
    const std::string message = spoiled([&](hid_t file) {
      const Hdf5Handle y(H5Dopen2(file, "/train/y", H5P_DEFAULT), H5Dclose);
      std::vector<float> targets(2000);
      H5Dread(y, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, targets.data());
      targets[201] = value;
      H5Dwrite(y, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, targets.data());
      const Hdf5Handle crc(H5Dopen2(file, "/train/y_crc32c", H5P_DEFAULT), H5Dclose);
      std::vector<uint32_t> sums(16);
      H5Dread(crc, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, sums.data());
      sums[1] = crc32c(targets.data() + 128, 128 * sizeof(float));
      H5Dwrite(crc, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, sums.data());
    });
    EXPECT_THAT(message, HasSubstr(fmt::format("target t1 is {}, outside ", value)));
    EXPECT_THAT(message, HasSubstr("in rows 64 to 127"));
  }
}

TEST_F(Hostile, WrongFiguresOfTargetsAreRefused) {
  const auto with = [&](const char* name, const std::vector<float>& values) {
    write_dataset(path_, {.targets = 2});
    return spoiled([&](hid_t file) { set_floats(file, name, values); });
  };
  EXPECT_THAT(with(layout::kTargetStd, {1, 0}), HasSubstr("target_std has a value that is not"));
  for (const char* name :
       {layout::kTargetMean, layout::kTargetStd, layout::kTargetLeast, layout::kTargetLargest}) {
    EXPECT_THAT(with(name, {1, INFINITY}), HasSubstr("must be finite, with one value per target"));
  }
  write_dataset(path_, {.targets = 2});
  EXPECT_THAT(spoiled([](hid_t file) { H5Adelete(file, layout::kTargetMean); }),
              HasSubstr("attribute target_mean is missing"));
  const auto allocated = [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); };
  write_dataset(path_, {.targets = 2});
  EXPECT_THAT(spoiled([&](hid_t file) {
                replace(file, "/train/y", H5T_IEEE_F32LE, {1000, 3}, allocated);
              }),
              HasSubstr("/train/y must be f32 [1000, 2]"));
  write_dataset(path_, {.targets = 2});
  EXPECT_THAT(
      spoiled([&](hid_t file) { replace(file, "/train/y", H5T_STD_I64LE, {1000}, allocated); }),
      HasSubstr("/train/y must be f32 [1000, 2]"));
  const Hdf5Handle text(H5Tcopy(H5T_C_S1), H5Tclose);
  write_dataset(path_, {.targets = 2});
  EXPECT_THAT(spoiled([&](hid_t file) { replace(file, "/target_names", text, {5000}, allocated); }),
              HasSubstr("/target_names must be 1 to 4096 strings"));
  write_dataset(path_, {.targets = 2});
  EXPECT_THAT(spoiled([&](hid_t file) { replace(file, "/target_names", text, {3}, allocated); }),
              HasSubstr("must be finite, with one value per target"));
}

TEST_F(Hostile, ForeignHdf5IsRefusedWithTheWayOut) {
  for (const H5F_libver_t version : {H5F_LIBVER_EARLIEST, H5F_LIBVER_V18, H5F_LIBVER_LATEST}) {
    const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_libver_bounds(access, version, H5F_LIBVER_LATEST);
    Hdf5Handle file(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
    replace(file, "/x", H5T_STD_U8LE, {10, 4},
            [](hid_t creation) { H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); });
    file.close();
    EXPECT_THAT(refusal(), HasSubstr("use: ringtrain dataset import hdf5"));
  }
}

TEST_F(Hostile, UserBlockIsRefused) {
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_userblock(creation, 512);
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  Hdf5Handle(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose).close();
  EXPECT_THAT(refusal(), HasSubstr("not an HDF5 file"));
}

}  // namespace
}  // namespace ringtrain::datasets
