// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/datasets/contents.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::import_refusal;

template <typename Number>
std::string as_bytes(const std::vector<Number>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Number)};
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                const std::string& order = "False", char version = 1) {
  const std::string header =
      "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  std::string bytes = std::string("\x93NUMPY", 6) + version + '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + header + data;
}

const std::string kLabels = npy("'<i8'", "3,", as_bytes<int64_t>({2, 0, 1}));

class Npy : public ::testing::Test {
 protected:
  DatasetIndex import(const std::string& x, const std::string& y = kLabels,
                      ChannelOrder channels = ChannelOrder::automatic) {
    const auto train_x = npy_source(memory_source("x.npy", x));
    const auto train_y = npy_source(memory_source("y.npy", y));
    const auto test_x = npy_source(memory_source("x.npy", x));
    const auto test_y = npy_source(memory_source("y.npy", y));
    ArraySources sources{train_x.get(), train_y.get(), test_x.get(), test_y.get()};
    sources.channels = channels;
    return import_arrays(sources, directory_ / "set.h5", {});
  }
  std::string refusal(const std::string& x, const std::string& y = kLabels) {
    return import_refusal(directory_ / "set.h5", [&] { import(x, y); });
  }

  TemporaryDirectory directory_;
};

TEST_F(Npy, BytesStayBytes) {
  const DatasetIndex index =
      import(npy("'|u1'", "3, 2, 2", as_bytes<uint8_t>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})));
  EXPECT_EQ(index.element, ElementType::u8);
  EXPECT_EQ(index.shape, (Shape{1, 2, 2}));
  const auto rows = testing::source_rows(index, Split::train);
  EXPECT_THAT(testing::bytes_of(rows[1]), ElementsAre(5, 6, 7, 8));
  EXPECT_EQ(rows[0].label, 2);
  EXPECT_EQ(index.class_names, (std::vector<std::string>{"0", "1", "2"}));
}

TEST_F(Npy, EveryOtherNumberBecomesAFloat) {
  const auto first_row = [&](const std::string& descr, const std::string& data) {
    return testing::floats_of(
        testing::source_rows(import(npy("'" + descr + "'", "3, 2", data)), Split::train)[0]);
  };
  EXPECT_THAT(first_row("<f4", as_bytes<float>({1.5F, -2, 0, 0, 0, 1})), ElementsAre(1.5F, -2));
  EXPECT_THAT(first_row("<f8", as_bytes<double>({1.5, -2, 0, 0, 0, 1})), ElementsAre(1.5F, -2));
  EXPECT_THAT(first_row("<i2", as_bytes<int16_t>({-7, 300, 0, 0, 0, 1})), ElementsAre(-7, 300));
  EXPECT_THAT(first_row("<u8", as_bytes<uint64_t>({7, 1 << 20, 0, 0, 0, 1})),
              ElementsAre(7, 1 << 20));
  EXPECT_THAT(first_row("<f2", as_bytes<uint16_t>({0x3c00, 0xc000, 0, 0x0001, 0, 0})),
              ElementsAre(1, -2));
  // Big-endian.
  EXPECT_THAT(first_row(">i4", std::string("\0\0\0\7\xff\xff\xff\xfe", 8) + std::string(16, '\1')),
              ElementsAre(7, -2));
}

TEST_F(Npy, ChannelsComeFirstWhereverTheyWere) {
  const std::string data = as_bytes<uint8_t>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  // [rows, height 1, width 2, channels 2 or 3]
  const DatasetIndex last = import(npy("'|u1'", "3, 1, 2, 2", data), kLabels, ChannelOrder::last);
  EXPECT_EQ(last.shape, (Shape{2, 1, 2}));
  EXPECT_THAT(testing::bytes_of(testing::source_rows(last, Split::train)[0]),
              ElementsAre(1, 3, 2, 4));
  const DatasetIndex first = import(npy("'|u1'", "3, 2, 1, 2", data), kLabels, ChannelOrder::first);
  EXPECT_EQ(first.shape, (Shape{2, 1, 2}));
  EXPECT_THAT(testing::bytes_of(testing::source_rows(first, Split::train)[0]),
              ElementsAre(1, 2, 3, 4));
  const DatasetIndex guessed =
      import(npy("'|u1'", "3, 2, 2, 3", std::string(36, '\1') + ""), kLabels);
  EXPECT_EQ(guessed.shape, (Shape{3, 2, 2}));
}

TEST_F(Npy, AFeatureOfATableIsAChannel) {
  const DatasetIndex index =
      import(npy("'<f4'", "3, 2", as_bytes<float>({1, 100, 2, 300, 3, 200})));
  EXPECT_EQ(index.shape, (Shape{2, 1, 1}));
  EXPECT_THAT(index.mean, ElementsAre(2, 200));
  EXPECT_EQ(import(npy("'|u1'", "3, 2, 1, 1", std::string("\1\4\2\4\3\4", 6))).shape,
            (Shape{2, 1, 1}));  // as it is exported
}

TEST_F(Npy, RefusesOneClassUnlessAsked) {
  const std::string x = npy("'|u1'", "3, 2, 2", std::string(12, '\1'));
  EXPECT_THAT(refusal(x, npy("'<i8'", "3,", as_bytes<int64_t>({1, 1, 1}))),
              HasSubstr("y.npy: all training rows have the same class; --one-class"));
}

TEST_F(Npy, ReadsVersionsTwoAndThree) {
  for (const char version : {2, 3}) {
    EXPECT_EQ(import(npy("'|u1'", "3, 4", std::string(12, '\1'), "False", version)).train.rows, 3U);
  }
}

TEST_F(Npy, DrawsATestPartBySeed) {
  std::vector<uint8_t> x(40);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i);
  const auto imported = [&](uint64_t seed, const char* name) {
    const std::string images = npy("'|u1'", "40, 1", as_bytes(x));
    const std::string labels = npy("'|u1'", "40,", std::string(39, '\0') + '\1');
    const auto train_x = npy_source(memory_source("x", images));
    const auto train_y = npy_source(memory_source("y", labels));
    ArraySources sources{train_x.get(), train_y.get(), nullptr, nullptr, 0.25};
    ImportOptions options;
    options.shuffle_seed = seed;
    const DatasetIndex index = import_arrays(sources, directory_ / name, options);
    std::vector<int> test;
    for (const auto& row : testing::source_rows(index, Split::test)) {
      test.push_back(testing::bytes_of(row)[0]);
    }
    EXPECT_EQ(index.train.rows, 30U);
    return test;
  };
  const auto test = imported(1, "a.h5");
  EXPECT_EQ(test.size(), 10U);
  EXPECT_EQ(imported(1, "b.h5"), test);
  EXPECT_NE(imported(2, "c.h5"), test);
}

TEST_F(Npy, RefusesWhatCouldRunCode) {
  EXPECT_THAT(refusal(npy("'|O'", "3, 2", "\x80\x04.")),
              HasSubstr("x.npy: an array of Python objects"));
  EXPECT_THAT(refusal("\x80\x04\x95 pickled"),
              HasSubstr("x.npy: a pickle, which can run any code"));
  EXPECT_THAT(refusal(npy("[('a', '<f4'), ('b', '|O')]", "3,", "")),
              HasSubstr("records of several"));
}

TEST_F(Npy, RefusesHeadersThatPromiseTooMuch) {
  const std::string data(12, '\1');
  EXPECT_THAT(
      refusal(npy("'|u1'", "1152921504606846976, 4", data)),
      HasSubstr("its header promises 1152921504606846976 rows, more than the file can hold"));
  EXPECT_THAT(refusal(npy("'<f8'", "4294967296, 4294967296, 4294967296", data)),
              HasSubstr("more than the file can hold"));
  EXPECT_THAT(refusal(npy("'|u1'", "99999999999999999999999", data)),
              HasSubstr("impossible shape"));
  EXPECT_THAT(refusal(npy("'|u1'", "-3, 4", data)), HasSubstr("impossible shape"));
  EXPECT_THAT(refusal(npy("'|u1'", "1,1,1,1,1,1,1,1,1", data)), HasSubstr("impossible shape"));
  EXPECT_THAT(refusal(npy("'|u1'", "3, 4", data + "x")), HasSubstr("bytes after the last row"));
  EXPECT_THAT(refusal(npy("'|u1'", "3, 5", data)), HasSubstr("before what its header promises"));
}

TEST_F(Npy, RefusesEverythingElseInOneLine) {
  const std::string data(12, '\1');
  EXPECT_THAT(refusal(""), HasSubstr("x.npy: ends after 0 bytes"));
  EXPECT_THAT(refusal("PK\x03\x04 and so on, a zip"), HasSubstr("not a .npy file"));
  EXPECT_THAT(refusal(npy("'|u1'", "3, 4", data, "True")), HasSubstr("Fortran order"));
  EXPECT_THAT(refusal(npy("'<U5'", "3, 4", data)), HasSubstr("has the type '<U5'"));
  EXPECT_THAT(refusal(npy("'<c8'", "3, 4", data)), HasSubstr("has the type '<c8'"));
  EXPECT_THAT(refusal(npy("'<M8'", "3, 4", data)), HasSubstr("has the type '<M8'"));
  EXPECT_THAT(refusal(npy("'|u1'", "", data)), HasSubstr("a single number"));
  EXPECT_THAT(refusal(npy("'|u1'", "0, 4", data)), HasSubstr("has no rows"));
  EXPECT_THAT(refusal(npy("'|u1'", "12,", data)), HasSubstr("2 to 4 dimensions"));
  EXPECT_THAT(refusal(npy("'|u1'", "3, 4", data, "False", 9)), HasSubstr("version"));
  EXPECT_THAT(refusal(npy("__import__('os').system('true')", "3, 4", data)),
              HasSubstr("header cannot be read"));
  const std::string x = npy("'|u1'", "3, 4", data);
  EXPECT_THAT(refusal(x, npy("'<i8'", "2,", as_bytes<int64_t>({0, 1}))),
              HasSubstr("x.npy has 3 rows, but y.npy has 2 labels"));
  EXPECT_THAT(refusal(x, npy("'<f8'", "3,", as_bytes<double>({0, 0.5, 1}))),
              HasSubstr("row 1 has the label 0.5"));
  EXPECT_THAT(refusal(x, npy("'<i8'", "3,", as_bytes<int64_t>({0, -1, 1}))),
              HasSubstr("row 1 has the label -1"));
  EXPECT_THAT(refusal(x, npy("'<i8'", "3,", as_bytes<int64_t>({0, 1, int64_t{1} << 60}))),
              HasSubstr("row 2 has the label"));
  EXPECT_THAT(refusal(npy("'<f4'", "3, 2", as_bytes<float>({1, 2, 3, 4, 5, std::nanf("")}))),
              HasSubstr("not finite"));
}

}  // namespace
}  // namespace ringtrain::datasets
