// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/image_labels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/importers/images.hpp"
#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/archives.hpp"
#include "tests/unit/datasets/importers/pictures.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::import_refusal;
using ::testing::IsEmpty;

std::string red(int value) {
  testing::Picture picture;
  picture.width = picture.height = 8;
  picture.red = value;
  return testing::png(picture);
}

class LabelledImages : public ::testing::Test {
 protected:
  LabelledImages() {
    images_.test_share = 0;
    for (const int i : {1, 2, 3, 4}) {
      sources_.write("set/train/" + std::to_string(i) + ".png", red(10 * i));
    }
    sources_.write("set/other/x.jpg.png", red(90));
  }
  std::string write(const std::string& text, const char* name = "labels.csv") {
    sources_.write(name, text);
    return (sources_ / name).string();
  }
  ImportedImages import(const std::string& labels) {
    ImageSources images = images_;
    images.path = sources_ / "set";
    images.tables.train = labels;
    options_.keep_order = true;
    return import_images(images, results_ / "set.h5", options_);
  }
  std::string refusal(const std::string& text) {
    const std::string path = write(text);
    return import_refusal(results_ / "set.h5", [&] { import(path); });
  }
  // The red of each row and its label.
  static std::vector<std::pair<int, int64_t>> rows(const DatasetIndex& index, Split split) {
    std::vector<std::pair<int, int64_t>> result;
    for (const auto& row : testing::source_rows(index, split)) {
      result.emplace_back(testing::bytes_of(row)[0], row.label);
    }
    return result;
  }

  ImageSources images_;
  ImportOptions options_;
  TemporaryDirectory sources_;
  TemporaryDirectory results_;
};

TEST_F(LabelledImages, RowsAreThoseOfTheTableInItsOrder) {
  const ImportedImages result =
      import(write("filename,label\n3.png,dog\ntrain/1.png,cat\n./train/2,dog\n"));
  EXPECT_THAT(rows(result.index, Split::train),
              ElementsAre(std::pair(30, 1), std::pair(10, 0), std::pair(20, 1)));
  EXPECT_THAT(result.index.class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(result.left_out, ElementsAre(HasSubstr("set/other: left out 1 unlabelled image file"),
                                           HasSubstr("set/train: left out 1 unlabelled image")));
}

TEST_F(LabelledImages, ColumnsAreChosenAndLinesLimited) {
  images_.tables.columns = {"path", "2", ';'};
  options_.limit = 2;
  const std::string table = write("id;kind;path\n7;0;1.png\n8;2;2.png\n9;x;nowhere.png\n");
  const DatasetIndex index = import(table).index;
  EXPECT_THAT(rows(index, Split::train), ElementsAre(std::pair(10, 0), std::pair(20, 2)));
  EXPECT_THAT(index.class_names, ElementsAre("0", "1", "2"));
}

TEST_F(LabelledImages, ATableInsideTheSourceAndOneOfTestRows) {
  sources_.write("set/labels.csv", "1.png,cat\n2.png,dog\n");
  sources_.write("set/test.csv", "4.png,dog\n");
  images_.tables.test = "test.csv";
  const DatasetIndex index = import("labels.csv").index;
  EXPECT_EQ(index.train.rows, 2U);
  EXPECT_THAT(rows(index, Split::test), ElementsAre(std::pair(40, 1)));
  sources_.write("set/test.csv", "1.png,dog\n");
  std::filesystem::remove(results_ / "set.h5");
  EXPECT_THAT(import_refusal(results_ / "set.h5", [&] { import("labels.csv"); }),
              HasSubstr("test.csv: train/1.png is a training row of labels.csv"));
  sources_.write("set/test.csv", "4.png,bird\n");
  EXPECT_EQ(import_refusal(results_ / "set.h5", [&] { import("labels.csv"); }),
            "test.csv: has a class that no training row has");
}

TEST_F(LabelledImages, AShareIsDrawnOfEachClass) {
  images_.test_share = 0.5;
  const DatasetIndex index = import(write("1.png,a\n2.png,a\n3.png,b\n4.png,b\n")).index;
  EXPECT_EQ(index.train.rows, 2U);
  EXPECT_NE(rows(index, Split::test)[0].second, rows(index, Split::test)[1].second);
}

TEST_F(LabelledImages, RefusalsNameFileAndLine) {
  EXPECT_THAT(refusal("f,l\n1.png,a\n9.png,b\n"),
              HasSubstr("labels.csv: line 3: there is no image '9.png' (JPEG or PNG)"));
  EXPECT_THAT(refusal("1.png,a\n1.png,b\n"),
              HasSubstr("line 2: '1.png' comes for the second time"));
  EXPECT_THAT(refusal("1.png,a\n2.png,\n"), HasSubstr("line 2: '2.png' has no label"));
  EXPECT_THAT(refusal("1.png,a\n2.png\n"),
              HasSubstr("line 2: has 1 columns where the first has 2"));
  EXPECT_THAT(refusal("1.png;a\n"), HasSubstr("line 1: has one column"));
  EXPECT_THAT(refusal("f,l\n"), HasSubstr("labels.csv: has no rows"));
  EXPECT_THAT(refusal("1.png,0.5\n2.png,1\n"), HasSubstr("the label '0.5' is a decimal"));
  EXPECT_THAT(refusal("1.png,a\n\x1b[31m.png,b\n"), HasSubstr("no image '\\x1b[31m.png'"));
  EXPECT_THAT(refusal("1.png,a\n/etc/passwd,b\n"), HasSubstr("there is no image '/etc/passwd'"));
  EXPECT_THAT(refusal("1.png,a\n../../1.png,b\n"), HasSubstr("there is no image '../../1.png'"));
  EXPECT_THAT(refusal("1.png,a\n2.png,a\n"), HasSubstr("all training rows have the same class"));
  images_.tables.columns.label_column = "kind";
  EXPECT_THAT(
      refusal("f,l\n1.png,a\n"),
      HasSubstr("line 1: has no column 'kind', but f, l; --label-column also takes 1 to 2"));
  images_.tables.columns.label_column = "1";
  EXPECT_THAT(refusal("1.png,a\n"), HasSubstr("column 1 has the file names; --label-column names"));
  EXPECT_THAT(import_refusal(results_ / "set.h5", [&] { import("nowhere.csv"); }),
              HasSubstr("nowhere.csv: no such file, and none in"));
}

TEST_F(LabelledImages, ANameThatSeveralImagesHaveIsRefused) {
  sources_.write("set/other/1.png", red(1));
  EXPECT_THAT(refusal("1.png,a\n"), HasSubstr("line 1: there are several images '1.png'"));
  EXPECT_EQ(import(write("other/1.png,a\ntrain/1.png,b\n")).index.train.rows, 2U);
}

TEST_F(LabelledImages, FoldersOfClassesHaveNoFirstRows) {
  options_.limit = 3;
  EXPECT_THAT(import_refusal(results_ / "set.h5", [&] { import(""); }),
              HasSubstr("--limit: the first images of a tree are of one class"));
}

}  // namespace
}  // namespace ringtrain::datasets
