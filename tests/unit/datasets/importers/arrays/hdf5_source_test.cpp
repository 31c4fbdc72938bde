// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/hdf5_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "datasets/importers/seeded_split.hpp"
#include "datasets/writing/hdf5_handle.hpp"
#include "tests/unit/datasets/contents.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void make_file(const std::filesystem::path& path, const std::function<void(hid_t file)>& fill) {
  prepare_hdf5();
  Hdf5Handle file(
      check_hdf5(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), "create"),
      H5Fclose);
  fill(file);
  file.close();
}

template <typename Number>
void add(
    hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& dims,
    const std::vector<Number>& values, hid_t memory,
    const std::function<void(hid_t creation)>& configure = [](hid_t) {}) {
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                         H5Sclose);
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  configure(creation);
  const Hdf5Handle dataset(
      check_hdf5(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name),
      H5Dclose);
  if (!values.empty()) {
    check_hdf5_status(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                      name);
  }
}

class Hdf5Import : public ::testing::Test {
 protected:
  DatasetIndex import(const std::string& x = "/x", const std::string& y = "/y") {
    const auto train_x = open_hdf5_source(path_, x);
    const auto train_y = open_hdf5_source(path_, y);
    ArraySources sources{train_x.get(), train_y.get(), nullptr, nullptr, 0.25};
    return import_arrays(sources, results_ / "set.h5", {});
  }
  std::string refusal(const std::string& x = "/x", const std::string& y = "/y") {
    return testing::import_refusal(results_ / "set.h5", [&] { import(x, y); });
  }

  static std::vector<int32_t> numbers(size_t count) {
    std::vector<int32_t> values(count);
    std::iota(values.begin(), values.end(), 0);
    return values;
  }
  static void add_labels(hid_t file) {
    std::vector<int32_t> labels(40, 1);
    labels[0] = 0;
    add<int32_t>(file, "/y", H5T_STD_I32LE, {40}, labels, H5T_NATIVE_INT32);
  }

  TemporaryDirectory sources_;
  TemporaryDirectory results_;
  std::filesystem::path path_ = sources_ / "foreign.h5";
};

TEST_F(Hdf5Import, ReadsEveryLayoutAndType) {
  struct Kind {
    const char* name;
    std::function<void(hid_t)> configure;
  };
  const std::vector<hsize_t> chunk = {7, 2, 1};
  const std::vector<Kind> kinds = {{"contiguous", [](hid_t) {}},
                                   {"compact", [](hid_t c) { H5Pset_layout(c, H5D_COMPACT); }},
                                   {"chunked", [&](hid_t c) { H5Pset_chunk(c, 3, chunk.data()); }},
                                   {"compressed", [&](hid_t c) {
                                      H5Pset_chunk(c, 3, chunk.data());
                                      H5Pset_shuffle(c);
                                      H5Pset_deflate(c, 4);
                                      H5Pset_fletcher32(c);
                                    }}};
  for (const Kind& kind : kinds) {
    for (const hid_t type : {H5T_STD_U8LE, H5T_STD_I16BE, H5T_IEEE_F32LE, H5T_IEEE_F64BE}) {
      make_file(path_, [&](hid_t file) {
        add<int32_t>(file, "/x", type, {40, 2, 3}, numbers(240), H5T_NATIVE_INT32, kind.configure);
        add_labels(file);
      });
      const DatasetIndex index = import();
      EXPECT_EQ(index.shape, (Shape{1, 2, 3}));
      EXPECT_EQ(index.element, type == H5T_STD_U8LE ? ElementType::u8 : ElementType::f32);
      EXPECT_EQ(index.train.rows, 30U);
      // Which rows went where is SeededSplit's to say; the rows themselves are whole.
      std::vector<int64_t> labels(40, 1);
      labels[0] = 0;
      const SeededSplit split(labels, 0.25, 0, "x");
      const auto rows = testing::source_rows(index, Split::train);
      for (uint64_t i = 0; i < 40; ++i) {
        const auto place = split(i);
        if (place.split != Split::train) continue;
        const auto n = static_cast<int>(6 * i);
        if (index.element == ElementType::u8) {
          EXPECT_THAT(testing::bytes_of(rows[place.row]),
                      ElementsAre(n, n + 1, n + 2, n + 3, n + 4, n + 5));
        } else {
          EXPECT_THAT(testing::floats_of(rows[place.row]),
                      ElementsAre(n, n + 1, n + 2, n + 3, n + 4, n + 5));
        }
      }
    }
  }
}

TEST_F(Hdf5Import, NeverLeavesTheFile) {
  make_file(path_, [](hid_t file) {
    add<int32_t>(file, "/x", H5T_STD_U8LE, {40, 6}, {}, H5T_NATIVE_INT32,
                 [](hid_t c) { H5Pset_external(c, "/etc/passwd", 0, 240); });
    add_labels(file);
    H5Lcreate_external("/etc/other.h5", "/x", file, "/far", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/x", file, "/soft", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_THAT(refusal("/x"), HasSubstr("its data lies in an external file, which is refused"));
  EXPECT_THAT(refusal("/far"), HasSubstr("/far is a link to elsewhere, which is refused"));
  EXPECT_THAT(refusal("/soft"), HasSubstr("/soft is a link to elsewhere, which is refused"));
}

TEST_F(Hdf5Import, RefusesWhatAnotherFileWouldFill) {
  make_file(path_, [](hid_t file) {
    add<int32_t>(file, "/x", H5T_STD_U8LE, {40, 6}, {}, H5T_NATIVE_INT32, [](hid_t c) {
      const hsize_t dims[] = {40, 6};
      const Hdf5Handle space(H5Screate_simple(2, dims, nullptr), H5Sclose);
      H5Pset_virtual(c, space, "/etc/other.h5", "/x", space);
    });
    add_labels(file);
  });
  EXPECT_THAT(refusal(), HasSubstr("a virtual dataset, which is refused"));
}

TEST_F(Hdf5Import, RefusesFiltersThatAreNotBuiltIn) {
  make_file(path_, [](hid_t file) {
    add<int32_t>(file, "/x", H5T_STD_U8LE, {40, 6}, numbers(240), H5T_NATIVE_INT32, [](hid_t c) {
      const hsize_t chunk[] = {40, 6};
      H5Pset_chunk(c, 2, chunk);
      H5Pset_deflate(c, 1);
    });
    add_labels(file);
  });
  // The number of the filter, deflate, becomes that of a plug-in.
  std::string bytes = testing::read_file(path_);
  const std::string deflate(
      "\x01\x00\x08\x00\x01\x00\x01\x00"
      "deflate",
      15);
  const size_t at = bytes.find(deflate);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 2, std::string("\x39\x30", 2));
  testing::write_file(path_, bytes);
  EXPECT_NE(refusal(), "");
}

TEST_F(Hdf5Import, RefusesTypesThatAreNoNumbers) {
  make_file(path_, [](hid_t file) {
    add<int32_t>(file, "/x", H5T_C_S1, {40, 6}, {}, H5T_C_S1);
    const Hdf5Handle text(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(text, H5T_VARIABLE);
    add<int32_t>(file, "/text", text, {40, 6}, {}, text);
    const Hdf5Handle record(H5Tcreate(H5T_COMPOUND, 8), H5Tclose);
    H5Tinsert(record, "a", 0, H5T_NATIVE_INT);
    add<int32_t>(file, "/record", record, {40, 6}, {}, record);
    add<int32_t>(file, "/reference", H5T_STD_REF_OBJ, {40, 6}, {}, H5T_STD_REF_OBJ);
    add_labels(file);
  });
  for (const char* name : {"/x", "/text", "/record", "/reference"}) {
    EXPECT_THAT(refusal(name), HasSubstr("its type is not whole numbers or floats"));
  }
}

TEST_F(Hdf5Import, RefusesShapesThatNoMemoryHolds) {
  make_file(path_, [](hid_t file) {
    const hsize_t huge = hsize_t{1} << 40;
    add<int32_t>(file, "/wide", H5T_STD_U8LE, {40, huge}, {}, H5T_NATIVE_INT32, [](hid_t c) {
      const hsize_t chunk[] = {1, 1024};
      H5Pset_chunk(c, 2, chunk);
    });
    add<int32_t>(file, "/chunk", H5T_STD_U8LE, {40, 1 << 28}, {}, H5T_NATIVE_INT32, [](hid_t c) {
      const hsize_t chunk[] = {15, 1 << 28};
      H5Pset_chunk(c, 2, chunk);
    });
    add<int32_t>(file, "/empty", H5T_STD_U8LE, {0, 6}, {}, H5T_NATIVE_INT32);
    add_labels(file);
  });
  EXPECT_THAT(refusal("/wide"), HasSubstr("rows of more than 1 GiB"));
  EXPECT_THAT(refusal("/chunk"), HasSubstr("chunks of more than 256 MiB"));
  EXPECT_THAT(refusal("/empty"), HasSubstr("has no rows"));
  EXPECT_THAT(refusal("/none"), HasSubstr("there is no /none in the file"));
}

TEST_F(Hdf5Import, AFileThatCrashesLibhdf5EndsOnlyItsReader) {
  make_file(path_, [&](hid_t file) {
    const hsize_t chunk[] = {7, 6};
    add<int32_t>(file, "/x", H5T_STD_U8LE, {40, 6}, numbers(240), H5T_NATIVE_INT32, [&](hid_t c) {
      H5Pset_chunk(c, 2, chunk);
      H5Pset_deflate(c, 4);
    });
    add_labels(file);
  });
  const std::string whole = testing::read_file(path_);
  for (size_t at = 0; at < whole.size(); at += 131) {
    std::string bytes = whole;
    for (size_t i = at; i < std::min(at + 24, bytes.size()); ++i) bytes[i] = '\xff';
    testing::write_file(path_, bytes);
    const std::string message = testing::data_refusal([&] { import(); });
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    std::filesystem::remove(results_ / "set.h5");
    EXPECT_TRUE(std::filesystem::is_empty(results_.path())) << at;
  }
  testing::write_file(path_, std::string_view(whole).substr(0, whole.size() / 2));
  EXPECT_NE(refusal(), "");
  testing::write_file(path_, "not HDF5");
  EXPECT_NE(refusal(), "");
}

}  // namespace
}  // namespace ringtrain::datasets
