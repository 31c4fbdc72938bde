// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/datasets/contents.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  DatasetIndex import(const std::string& train, const std::string& test, CsvSources sources = {}) {
    sources.train = sources_.write("train.csv", train);
    sources.test = sources_.write("test.csv", test);
    return import_csv(sources, results_ / "set.h5", {});
  }
  std::string refusal(const std::string& train, const std::string& test = "1,2,a\n",
                      const CsvSources& sources = {}) {
    return testing::import_refusal(results_ / "set.h5", [&] { import(train, test, sources); });
  }

  TemporaryDirectory sources_;
  TemporaryDirectory results_;
};

TEST_F(Csv, ReadsNumbersAndNamesTheClasses) {
  const DatasetIndex index =
      import("height,width,kind\n1.5,2,cat\n-3e2, 4 ,dog\n+5,6,cat\r\n\n7,8,\"a, b\"",
             "height,width,kind\n9,10,dog\n");
  EXPECT_EQ(index.element, ElementType::f32);
  EXPECT_EQ(index.shape, (Shape{1, 1, 2}));
  EXPECT_THAT(index.class_names, ElementsAre("a, b", "cat", "dog"));
  const auto rows = testing::source_rows(index, Split::train);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_THAT(testing::floats_of(rows[0]), ElementsAre(1.5F, 2));
  EXPECT_THAT(testing::floats_of(rows[1]), ElementsAre(-300, 4));
  EXPECT_EQ(rows[1].label, 2);
  EXPECT_EQ(rows[3].label, 0);
  EXPECT_EQ(testing::source_rows(index, Split::test)[0].label, 2);
}

TEST_F(Csv, NumbersAsLabelsStayWhatTheyAre) {
  const DatasetIndex index = import("1,2,10\n3,4,2\n", "5,6,0\n");
  EXPECT_EQ(index.class_names.size(), 11U);
  EXPECT_EQ(testing::source_rows(index, Split::train)[0].label, 10);
}

TEST_F(Csv, TheLabelMayStandAnywhere) {
  CsvSources by_name;
  by_name.label = "kind";
  const DatasetIndex named = import("kind,a,b\nx,1,2\n", "kind,a,b\ny,3,4\n", by_name);
  EXPECT_THAT(testing::floats_of(testing::source_rows(named, Split::train)[0]), ElementsAre(1, 2));
  CsvSources by_number;
  by_number.label = "0";
  by_number.separator = ';';
  by_number.shape = Shape{2, 1, 1};
  const DatasetIndex numbered = import("x;1;2\n", "y;3;4\n", by_number);
  EXPECT_EQ(numbered.shape, (Shape{2, 1, 1}));
}

TEST_F(Csv, RefusesEverythingElseByLine) {
  EXPECT_THAT(refusal(""), HasSubstr("train.csv: is empty"));
  EXPECT_THAT(refusal("1\n2\n"), HasSubstr("train.csv: line 1: has one column"));
  EXPECT_THAT(refusal("1,2,a\n3,b\n"),
              HasSubstr("train.csv: line 2: has 2 columns where the first has 3"));
  EXPECT_THAT(refusal("1,2,a\n3,four,b\n"),
              HasSubstr("train.csv: line 2: feature 1 is 'four', not a finite number"));
  EXPECT_THAT(refusal("1,2,a\n3,nan,b\n"), HasSubstr("line 2: feature 1 is 'nan'"));
  EXPECT_THAT(refusal("1,2,a\n3,1e99,b\n"), HasSubstr("line 2: feature 1 is '1e99'"));
  EXPECT_THAT(refusal("1,2,a\n3,4,\n"), HasSubstr("line 2: has no label"));
  EXPECT_THAT(refusal("a,b,c\n"), HasSubstr("train.csv: has no rows"));
  EXPECT_THAT(refusal("1,2,3,a\n"), HasSubstr("test.csv has 2 features"));
  CsvSources missing;
  missing.label = "kind";
  EXPECT_THAT(refusal("1,2,a\n", "1,2,a\n", missing), HasSubstr("has no column 'kind'"));
  CsvSources shaped;
  shaped.shape = Shape{3, 1, 1};
  EXPECT_THAT(refusal("1,2,a\n", "1,2,a\n", shaped), HasSubstr("do not make samples of 3 x 1 x 1"));
  EXPECT_THAT(refusal("1,2," + std::string(17 << 20, 'x')), HasSubstr("longer than 16 MiB"));
  std::string many;
  for (int i = 0; i < 70000; ++i) many += "1,2,w" + std::to_string(i) + '\n';
  EXPECT_THAT(refusal(many), HasSubstr("more than 65536 classes"));
}

}  // namespace
}  // namespace ringtrain::datasets
