// SPDX-License-Identifier: Apache-2.0
// Files made to fool a reader, each built here, each refused with one clear line.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <functional>

#include "base/crc32c.hpp"
#include "datasets/format/hdf5_object.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/writing/hdf5_handle.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using ::testing::HasSubstr;
using testing::write_dataset;

// Opens a good dataset with libhdf5 and spoils it.
void spoil(const std::filesystem::path& path, const std::function<void(hid_t file)>& change) {
  prepare_hdf5();
  const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate"), H5Pclose);
  check_hdf5_status(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), "libver");
  Hdf5Handle file(check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDWR, access), "open"), H5Fclose);
  change(file);
  file.close();
}

// Puts another dataset in the place of `name`, made by `configure` on the creation properties.
void replace(hid_t file, const char* name, hid_t type, std::vector<hsize_t> dims,
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

class Hostile : public ::testing::Test {
 protected:
  Hostile() { plan_ = write_dataset(path_); }

  std::string refusal() const {
    const std::string message = data_refusal([&] { open_dataset(path_); });
    EXPECT_THAT(message, HasSubstr(path_.string()));
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }
  std::string spoiled(const std::function<void(hid_t file)>& change) const {
    spoil(path_, change);
    return refusal();
  }
  std::string with_bytes(const std::function<void(std::string& bytes)>& change) const {
    std::string bytes = testing::read_file(path_);
    change(bytes);
    testing::write_file(path_, bytes);
    return refusal();
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "set.h5";
  Plan plan_;
};

const std::vector<hsize_t> kTrainX = {1000, 1, 4, 5};

TEST_F(Hostile, ExternalStorageIsNeverRead) {
  EXPECT_THAT(spoiled([](hid_t file) {
                replace(file, "/train/x", H5T_STD_U8LE, kTrainX,
                        [](hid_t creation) { H5Pset_external(creation, "/etc/passwd", 0, 20000); });
              }),
              HasSubstr("/train/x: its data lies in an external file, which is refused"));
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
  EXPECT_THAT(refusal_of(layout::kPartCount, 0), HasSubstr("part files makes no sense"));
  EXPECT_THAT(refusal_of(layout::kTrainFirstRow, ~uint64_t{0}), HasSubstr("makes no sense"));
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

TEST_F(Hostile, TruncationIsSeenAtEveryLength) {
  const std::string whole = testing::read_file(path_);
  for (size_t size = 0; size < whole.size(); size += size < 4096 ? 1 : 997) {
    testing::write_file(path_, std::string_view(whole).substr(0, size));
    ASSERT_NE(refusal(), "") << size;
  }
}

TEST_F(Hostile, EveryFlippedBitOfTheMetadataIsSeenOrHarmless) {
  // Metadata lies before the rows and after them; the rows' own flips are the next test's.
  const std::string whole = testing::read_file(path_);
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    const bool in_rows = at >= plan_.train.pieces[0].x_offset &&
                         at < plan_.train.pieces[0].x_offset + 1000 * plan_.row_bytes();
    if (in_rows || (at > 4096 && at % 7 != 0)) continue;
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    testing::write_file(path_, bytes);
    Plan opened;
    const std::string message = data_refusal([&] { opened = open_dataset(path_); });
    if (!message.empty()) {
      ++refused;
    } else {
      // A bit of a gap: nothing that is used has changed. Class names have no checksum of their
      // own.
      opened.class_names = plan_.class_names;
      ASSERT_EQ(opened, plan_) << "byte " << at;
    }
  }
  EXPECT_GT(refused, 1000U);
}

TEST_F(Hostile, EveryFlippedBitOfTheRowsIsSeen) {
  const std::string whole = testing::read_file(path_);
  for (const Split split : {Split::train, Split::test}) {
    const Piece& piece = plan_.part(split).pieces[0];
    for (size_t i = 0; i < piece.rows * plan_.row_bytes(); i += 101) {
      std::string bytes = whole;
      bytes[piece.x_offset + i] = static_cast<char>(bytes[piece.x_offset + i] ^ (1 << i % 8));
      testing::write_file(path_, bytes);
      ASSERT_THAT(refusal(), HasSubstr("damaged (wrong checksum)"));
    }
  }
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

TEST_F(Hostile, OtherThingsAtThePathAreRefused) {
  EXPECT_THAT(with_bytes([](std::string& bytes) { bytes = "PK\x03\x04"; }),
              HasSubstr("not an HDF5 file"));
  EXPECT_THAT(with_bytes([](std::string& bytes) { bytes.clear(); }), HasSubstr("not an HDF5 file"));
  std::filesystem::remove(path_);
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
  ::mkfifo(path_.c_str(), 0600);
  EXPECT_THAT(refusal(), HasSubstr("not a regular file"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_THAT(refusal(), HasSubstr("holds no .h5 files"));
}

TEST(Hdf5Profile, ChecksumIsThatOfLookup3) {
  EXPECT_EQ(lookup3(""), 0xdeadbeefU);
  EXPECT_EQ(lookup3("Four score and seven years ago"), 0x17770551U);
}

}  // namespace
}  // namespace ringtrain::datasets
