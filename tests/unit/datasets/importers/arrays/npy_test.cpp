// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/arrays/npy_bytes.hpp"

namespace ringtrain::datasets {
namespace {

using testing::as_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::import_refusal;
using testing::npy;

const std::string kLabels = npy("'<i8'", "3,", as_bytes<int64_t>({2, 0, 1}));

class Npy : public ::testing::Test {
 protected:
  DatasetIndex import(const std::string& x, const std::string& y = kLabels,
                      ChannelOrder channels = ChannelOrder::automatic) {
    ArraySources sources;
    sources.channels = channels;
    return import(x, y, sources);
  }
  DatasetIndex import(const std::string& x, const std::string& y, ArraySources sources) {
    const auto train_x = npy_source(memory_source("x.npy", x));
    const auto train_y = npy_source(memory_source("y.npy", y));
    const auto test_x = npy_source(memory_source("x.npy", x));
    const auto test_y = npy_source(memory_source("y.npy", y));
    sources.train_x = train_x.get();
    sources.train_y = train_y.get();
    sources.test_x = test_x.get();
    sources.test_y = test_y.get();
    return import_arrays(sources, directory_ / "set.h5", options_);
  }
  std::string refusal(const std::string& x, const std::string& y = kLabels,
                      const ArraySources& sources = {}) {
    std::filesystem::remove(directory_ / "set.h5");
    return import_refusal(directory_ / "set.h5", [&] { import(x, y, sources); });
  }

  ImportOptions options_;

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
  EXPECT_THAT(first_row("<f2", as_bytes<uint16_t>({0x3c00, 0xc000, 0, 0x0001, 0, 0})),
              ElementsAre(1, -2));
  // Big-endian.
  EXPECT_THAT(first_row(">i2", std::string("\0\7\xff\xfe", 4) + std::string(8, '\1')),
              ElementsAre(7, -2));
}

// 16777217 is the first whole number that a float cannot hold.
TEST_F(Npy, LargeWholeNumbersStayWhatTheyAre) {
  const auto first_row = [&](const std::string& descr, const std::string& data) {
    const DatasetIndex index = import(npy("'" + descr + "'", "3, 2", data));
    EXPECT_EQ(index.element, ElementType::i64);
    return testing::whole_numbers_of(testing::source_rows(index, Split::train)[0]);
  };
  const int64_t large = int64_t{1} << 53;
  EXPECT_THAT(first_row("<i8", as_bytes<int64_t>({16777217, -large - 1, 0, 0, 0, 1})),
              ElementsAre(16777217, -large - 1));
  EXPECT_THAT(first_row("<u8", as_bytes<uint64_t>({7, uint64_t(large) + 1, 0, 0, 0, 1})),
              ElementsAre(7, large + 1));
  EXPECT_THAT(first_row("<u4", as_bytes<uint32_t>({4294967295U, 1, 0, 0, 0, 1})),
              ElementsAre(4294967295, 1));
  EXPECT_THAT(first_row(">i4", std::string("\0\0\0\7\xff\xff\xff\xfe", 8) + std::string(16, '\1')),
              ElementsAre(7, -2));
  const std::string huge = npy("'<u8'", "3, 2", as_bytes<uint64_t>({1, 2, 3, ~0ULL, 5, 6}));
  EXPECT_THAT(refusal(huge), HasSubstr("x.npy: row 1 has a number above those of int64"));
  ArraySources floats;
  floats.floats = true;
  const std::string x = npy("'<i8'", "3, 2", as_bytes<int64_t>({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(import(x, kLabels, floats).element, ElementType::f32);
}

TEST_F(Npy, FloatsAsLabelsAreTargets) {
  const std::string x = npy("'|u1'", "3, 2, 2", std::string(12, '\1'));
  const DatasetIndex one = import(x, npy("'<f8'", "3,", as_bytes<double>({0.5, -2, 7})));
  EXPECT_THAT(one.targets.names, ElementsAre("y"));
  EXPECT_THAT(testing::source_rows(one, Split::train)[1].targets, ElementsAre(-2));
  const std::string two = npy("'<f4'", "3, 2", as_bytes<float>({1, 10, 2, 20, 3, 30}));
  const DatasetIndex index = import(x, two);
  EXPECT_THAT(index.targets.names, ElementsAre("y0", "y1"));
  EXPECT_THAT(index.targets.mean, ElementsAre(2, 20));
  EXPECT_THAT(testing::source_rows(index, Split::train)[2].targets, ElementsAre(3, 30));
  ArraySources sources;
  sources.target_names = {"price", "rent"};
  EXPECT_THAT(import(x, two, sources).targets.names, ElementsAre("price", "rent"));
  sources.target_names = {"price"};
  EXPECT_THAT(refusal(x, two, sources), HasSubstr("--target-names: has 1 name, but"));
}

TEST_F(Npy, WhatCouldBeClassesOrTargetsIsAskedFor) {
  const std::string x = npy("'|u1'", "3, 2, 2", std::string(12, '\1'));
  const std::string whole = npy("'<f4'", "3,", as_bytes<float>({2, 0, 1}));
  EXPECT_THAT(refusal(x, whole),
              HasSubstr("y.npy: floats that are all whole numbers: say with --labels whether"));
  ArraySources sources;
  sources.answers = Answers::classes;
  EXPECT_EQ(import(x, whole, sources).class_names.size(), 3U);
  sources.target_names = {"a"};
  EXPECT_THAT(refusal(x, whole, sources), HasSubstr("y.npy has classes, not targets"));
  sources.target_names = {};
  sources.answers = Answers::targets;
  EXPECT_THAT(import(x, whole, sources).targets.mean, ElementsAre(1));
  EXPECT_THAT(import(x, kLabels, sources).targets.mean, ElementsAre(1));
  EXPECT_THAT(refusal(x, npy("'<i8'", "3, 2", std::string(48, '\0'))),
              HasSubstr("has 2 numbers a row where a class is one, or one-hot; --labels targets"));
  options_.class_names = {"a", "b", "c"};
  EXPECT_THAT(refusal(x, whole, sources), HasSubstr("--class-names: the rows have targets"));
}

TEST_F(Npy, RefusesTargetsThatTeachNothingOrAreNoNumbers) {
  const std::string x = npy("'|u1'", "3, 2, 2", std::string(12, '\1'));
  const auto y = [](const std::vector<float>& values) {
    return npy("'<f4'", "3, 2", as_bytes<float>(values));
  };
  EXPECT_THAT(refusal(x, y({1, 2, 3, std::nanf(""), 5, 6})),
              HasSubstr("y.npy: row 1 has the target nan, which is no finite float"));
  EXPECT_THAT(refusal(x, y({1, 2, 3, 4, INFINITY, 6})), HasSubstr("row 2 has the target inf"));
  EXPECT_THAT(refusal(x, npy("'<f8'", "3,", as_bytes<double>({0.5, 1e300, 2}))),
              HasSubstr("row 1 has the target 1e+300"));
  EXPECT_THAT(refusal(x, y({1, 7, 2, 7, 3, 7})),
              HasSubstr("y.npy: target y1 is 7 in all training rows; --one-class imports"));
  EXPECT_THAT(refusal(x, npy("'<f4'", "3, 2, 2", std::string(48, '\0'))),
              HasSubstr("targets [rows, targets], not of 3 dimensions"));
  EXPECT_THAT(refusal(x, npy("'<f4'", "3, 5000", std::string(60000, '\0'))),
              HasSubstr("y.npy: 5000 targets; a dataset has at most 4096"));
  options_.one_class = true;
  EXPECT_THAT(import(x, y({1, 7, 2, 7, 3, 7})).targets.std[1], 1);
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
  EXPECT_THAT(refusal(x, npy("'<i8'", "3,", as_bytes<int64_t>({0, -1, 1}))),
              HasSubstr("row 1 has the label -1"));
  EXPECT_THAT(refusal(x, npy("'<i8'", "3,", as_bytes<int64_t>({0, 1, int64_t{1} << 60}))),
              HasSubstr("row 2 has the label"));
  EXPECT_THAT(refusal(npy("'<f4'", "3, 2", as_bytes<float>({1, 2, 3, 4, 5, std::nanf("")}))),
              HasSubstr("x.npy: row 2 has nan at position 1, which is not finite"));
}

}  // namespace
}  // namespace ringtrain::datasets
