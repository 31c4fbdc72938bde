// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/csv.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/datasets/contents.hpp"

namespace ringtrain::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

class Csv : public ::testing::Test {
 protected:
  DatasetIndex import(const std::string& train, const std::string& test, CsvSources sources = {}) {
    sources.train = sources_.write("train.csv", train);
    sources.test = sources_.write("test.csv", test);
    return import_csv(sources, results_ / "set.h5", options_);
  }
  std::string refusal(const std::string& train, const std::string& test = "1,2,a\n",
                      const CsvSources& sources = {}) {
    return testing::import_refusal(results_ / "set.h5", [&] { import(train, test, sources); });
  }

  ImportOptions options_;
  TemporaryDirectory sources_;
  TemporaryDirectory results_;
};

TEST_F(Csv, ReadsNumbersAndNamesTheClasses) {
  const DatasetIndex index =
      import("height,width,kind\n1.5,2,cat\n-3e2, 4 ,dog\n+5,6,cat\r\n\n7,8,\"a, b\"",
             "height,width,kind\n9,10,dog\n");
  EXPECT_EQ(index.element, ElementType::f32);
  EXPECT_EQ(index.shape, (Shape{2, 1, 1}));
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

// The label depends on the column with the smallest values; one mean and std for the table would
// make it a constant.
TEST_F(Csv, EveryColumnHasItsOwnMeanAndStd) {
  std::string table = "age,income,hours,constant,old\n";
  for (int i = 0; i < 100; ++i) {
    table += fmt::format("{},{},{},7,{}\n", 18 + i % 60, 20000 + i * 1000, i % 5, i % 60 > 32);
  }
  const DatasetIndex index = import(table, table);
  EXPECT_EQ(index.shape, (Shape{4, 1, 1}));
  EXPECT_THAT(index.mean, Pointwise(FloatNear(0.01F), {43.5F, 69500.0F, 2.0F, 7.0F}));
  EXPECT_THAT(index.std, Pointwise(FloatNear(0.01F), {16.0390F, 28866.07F, 1.41421F, 1.0F}));
}

TEST_F(Csv, TheLabelMayStandAnywhere) {
  CsvSources by_name;
  by_name.label = "kind";
  const DatasetIndex named = import("kind,a,b\nx,1,2\ny,1,2\n", "kind,a,b\ny,3,4\n", by_name);
  EXPECT_THAT(testing::floats_of(testing::source_rows(named, Split::train)[0]), ElementsAre(1, 2));
  CsvSources by_number;
  by_number.label = "1";
  by_number.separator = ';';
  by_number.shape = Shape{1, 1, 2};
  const DatasetIndex numbered = import("x;1;2\ny;1;2\n", "y;3;4\n", by_number);
  EXPECT_EQ(numbered.shape, (Shape{1, 1, 2}));
  CsvSources third;
  third.label = "3";
  EXPECT_EQ(import("3,1,x\n3,2,y\n", "3,1,x\n", third).train.rows, 2U);
}

TEST_F(Csv, RecognisesAHeader) {
  const auto rows = [&](const std::string& train) { return import(train, train).train.rows; };
  EXPECT_EQ(rows("\xef\xbb\xbf\"a\",b,kind\n1,2,x\n3,4,y\n"), 2U);
  EXPECT_EQ(rows("0,1,label\n5,6,1\n7,8,0\n"), 2U);  // names of pixels
  EXPECT_EQ(rows("1,2,x\n3,4,y\n"), 2U);
  CsvSources sources;
  sources.label = "kind";
  EXPECT_EQ(import("\xef\xbb\xbfkind,a\nx,1\ny,2\n", "kind,a\nx,1\n", sources).train.rows, 2U);
}

TEST_F(Csv, NamesColumnsAndSuggestsASeparator) {
  const auto expect = [&](const std::string& train, const std::string& message,
                          const std::string& label = "", char separator = ',') {
    CsvSources sources;
    sources.label = label;
    sources.separator = separator;
    EXPECT_THAT(refusal(train, train, sources), HasSubstr(message));
  };
  expect("age,hours,old\n1,x,0\n",
         "line 2: column 2 (hours) is 'x', not a finite number; encode words as numbers");
  expect("age,hours,old\n1,,0\n2,3,1\n", "line 2: column 2 (hours) is empty");
  expect("age;hours;old\n1;2;0\n",
         "line 1: has one column; it needs at least a feature and a label; is it separated "
         "otherwise? --separator ';'");
  expect("age\thours\told\n", "--separator tab");
  expect("1,2;3,a\n4,5;6,b\n",
         "line 2: column 2 (2;3) is '5;6', not a finite number; is it "
         "separated otherwise? --separator ';'");
  expect("a;b;kind\n1,5;2;x\n2,5;3;y\n", "write decimals with a point", "", ';');
  expect("age,hours,old\n1,2,0\n",
         "has no column 'Old', but age, hours, old; --label also takes "
         "1 to 3",
         "Old");
  expect("1,2,3\n", "has no column '0'", "0");
  EXPECT_THAT(refusal("a,b,c\n1,2,x\n1,2,y\n", "b,a,c\n1,2,x\n"),
              HasSubstr("test.csv has column 1 (b) where"));
}

TEST_F(Csv, RefusesQuantitiesAsLabels) {
  std::string prices = "rooms,price\n";
  std::string whole = "rooms,price\n";
  std::string people = "pixel,person\n";
  for (int i = 0; i < 300; ++i) {
    prices += fmt::format("{},{}\n", i % 7, 100 + (i % 252) * 0.5);
    whole += fmt::format("{},{}\n", i % 7, 100000 + i * 250);
    people += fmt::format("{},{}\n", i % 7, i % 200);
  }
  EXPECT_THAT(refusal(prices, prices),
              HasSubstr("train.csv: column 2 (price) has 252 different numbers in 600 rows, such "
                        "as 225.5: name a number to predict with --target, or the column of the "
                        "classes with --label"));
  EXPECT_THAT(refusal(whole, "1,100000\n"), HasSubstr("column 2 (price) has 300 different"));
  EXPECT_EQ(import(people, "1,5\n").class_names.size(), 200U);
}

// Whole numbers that repeat may be either; those from 0 or 1 without gaps are taken for classes.
TEST_F(Csv, AsksWhetherWholeNumbersAreClasses) {
  std::string ages = "rooms,age\n";
  std::string months = "rooms,month\n";
  std::string few = "rooms,stars\n";
  for (int i = 0; i < 600; ++i) {
    ages += fmt::format("{},{}\n", i % 7, 18 + i % 60);
    months += fmt::format("{},{}\n", i % 7, 1 + i % 24);
    few += fmt::format("{},{}\n", i % 7, 10 * (i % 20));
  }
  CsvSources named;
  named.label = "age";
  EXPECT_THAT(refusal(ages, ages), HasSubstr("column 2 (age) has 60 different numbers in 1,200"));
  EXPECT_EQ(import(ages, ages, named).class_names.size(), 78U);
  EXPECT_EQ(import(months, months).class_names.size(), 25U);
  EXPECT_EQ(import(few, few).class_names.size(), 191U);
}

TEST_F(Csv, ColumnsOfTargets) {
  CsvSources sources;
  sources.targets = {"rent", "1"};
  const DatasetIndex index = import("price,rooms,rent\n100.5,2,7\n200,3,-8e1\n300,4,9\n",
                                    "price,rooms,rent\n1,2,3\n", sources);
  EXPECT_THAT(index.targets.names, ElementsAre("rent", "price"));
  EXPECT_EQ(index.shape, (Shape{1, 1, 1}));
  EXPECT_TRUE(index.class_names.empty());
  const auto rows = testing::source_rows(index, Split::train);
  EXPECT_THAT(rows[1].targets, ElementsAre(-80, 200));
  EXPECT_THAT(testing::floats_of(rows[1]), ElementsAre(3));
  EXPECT_THAT(testing::source_rows(index, Split::test)[0].targets, ElementsAre(3, 1));
  EXPECT_EQ(index.targets.least[0], -80);
  sources.targets = {"2"};
  EXPECT_THAT(import("1,2.5\n3,4\n", "1,2\n", sources).targets.names, ElementsAre("column 2"));
}

TEST_F(Csv, RefusesTargetsByLineOrColumn) {
  const auto expect = [&](const std::string& train, const std::vector<std::string>& targets,
                          const std::string& message) {
    CsvSources sources;
    sources.targets = targets;
    EXPECT_THAT(refusal(train, train, sources), HasSubstr(message));
  };
  const std::string table = "rooms,price,rent\n1,2,3\n4,5,6\n";
  expect(table, {"prise"},
         "has no column 'prise', but rooms, price, rent; --target also takes 1 to");
  expect(table, {"price", "2"}, "--target names column 2 twice");
  expect(table, {"1", "2", "3"}, "--target names every column; none is a feature");
  expect("rooms,price\n1,nan\n2,3\n", {"price"}, "line 2: column 2 (price) is 'nan', not a finite");
  expect("rooms,price\n1,2\n2,inf\n", {"price"}, "line 3: column 2 (price) is 'inf'");
  expect("rooms,price\n1,2\n2,1e99\n", {"price"}, "line 3: column 2 (price) is '1e99'");
  expect("rooms,price\n1,2\n2,\n", {"price"}, "line 3: column 2 (price) is empty");
  expect("rooms,price\n1,2\n2,2\n", {"price"},
         "train.csv: column 2 (price) is 2 in all training rows; --one-class imports");
  options_.class_names = {"a"};
  expect(table, {"price"}, "--class-names: the rows have targets, not classes");
}

TEST_F(Csv, SaysWhatToDoAboutMissingValues) {
  for (const char* word : {"NA", "NaN", "nan", "null", "", "?"}) {
    const std::string message = refusal(fmt::format("age,hours,old\n1,2,0\n1,{},1\n", word));
    EXPECT_THAT(message, HasSubstr("train.csv: line 3: column 2 (hours) is "));
    EXPECT_THAT(message, HasSubstr("a missing value; leave the line out or fill the cell"));
  }
  EXPECT_THAT(refusal("1,2,0\n3,4,NaN\n5,6,1\n"),
              HasSubstr("train.csv: line 2: column 3 is 'NaN', a missing value where the other "
                        "labels are numbers"));
  EXPECT_THAT(refusal("1,2,0\n5,6,1\n", "3,4,NaN\n"), HasSubstr("test.csv: line 1: column 3 is"));
  EXPECT_EQ(import("1,2,NA\n3,4,SA\n", "5,6,NA\n").class_names.size(), 2U);  // continents
}

TEST_F(Csv, NotesWhichLabelGotWhichName) {
  std::vector<std::string> notes;
  options_.note = [&](const std::string& line) { notes.push_back(line); };
  const std::string table = "1,2,dog\n3,4,cat\n";
  import(table, table);
  options_.class_names = {"Cat", "Dog"};
  import(table, table);
  import("1,2,1\n3,4,0\n", "5,6,0\n");
  options_.class_names = {};
  import("1,2,1\n3,4,0\n", "5,6,0\n");
  EXPECT_THAT(notes, ElementsAre("classes in the order of the alphabet: 0 cat, 1 dog",
                                 "class names: Cat for cat, Dog for dog",
                                 "class names: Cat for 0, Dog for 1"));
}

TEST_F(Csv, SourceNamesTheColumnOfTheLabel) {
  EXPECT_THAT(import("a,b,kind\n1,2,x\n3,4,y\n", "a,b,kind\n1,2,x\n").source,
              HasSubstr("train.csv, label in column 3 (kind)"));
}

TEST_F(Csv, RefusesOneClassUnlessAsked) {
  EXPECT_THAT(refusal("1,2,a\n3,4,a\n", "1,2,b\n"),
              HasSubstr("train.csv: all training rows have the same class; --one-class"));
  options_.one_class = true;
  EXPECT_EQ(import("1,2,a\n3,4,a\n", "1,2,a\n").class_names.size(), 1U);
}

TEST_F(Csv, RefusesEverythingElseByLine) {
  EXPECT_THAT(refusal(""), HasSubstr("train.csv: is empty"));
  EXPECT_THAT(refusal("\xff\xfek\0i\0"), HasSubstr("train.csv: is UTF-16 text; save it as UTF-8"));
  EXPECT_THAT(refusal("1\n2\n"), HasSubstr("train.csv: line 1: has one column"));
  EXPECT_THAT(refusal("1,2,a\n3,b\n"),
              HasSubstr("train.csv: line 2: has 2 columns where the first has 3"));
  EXPECT_THAT(refusal("1,2,a\n3,four,b\n"),
              HasSubstr("train.csv: line 2: column 2 is 'four', not a finite number"));
  EXPECT_THAT(refusal("1,2,a\n3,nan,b\n"), HasSubstr("line 2: column 2 is 'nan'"));
  EXPECT_THAT(refusal("1,2,a\n3,1e99,b\n"), HasSubstr("line 2: column 2 is '1e99'"));
  EXPECT_THAT(refusal("1,2,a\n3,4,\n"), HasSubstr("line 2: has no label in column 3"));
  EXPECT_THAT(refusal("a,b,c\n"), HasSubstr("train.csv: has no rows"));
  EXPECT_THAT(refusal("1,2,3,a\n1,2,3,b\n"), HasSubstr("test.csv has 2 features"));
  CsvSources missing;
  missing.label = "kind";
  EXPECT_THAT(refusal("1,2,a\n", "1,2,a\n", missing), HasSubstr("has no column 'kind'"));
  CsvSources shaped;
  shaped.shape = Shape{3, 1, 1};
  EXPECT_THAT(refusal("1,2,a\n1,2,b\n", "1,2,a\n", shaped),
              HasSubstr("do not make samples of 3 x 1 x 1"));
  EXPECT_THAT(refusal("1,2," + std::string(17 << 20, 'x')), HasSubstr("longer than 16 MiB"));
  std::string many;
  for (int i = 0; i < 70000; ++i) many += "1,2,w" + std::to_string(i) + '\n';
  EXPECT_THAT(refusal(many), HasSubstr("more than 65536 classes"));
}

}  // namespace
}  // namespace ringtrain::datasets
