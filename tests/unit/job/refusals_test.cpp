// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/parse.hpp"

namespace ringtrain {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

auto refusal(const std::string& path, int line, const std::string& message) {
  return AllOf(Field(&Refusal::path, path), Field(&Refusal::line, line),
               Field(&Refusal::message, StartsWith(message)));
}

TEST(FindRefusals, FindsNoneInAGoodJob) {
  EXPECT_THAT(find_refusals("model: lenet\ndataset: d.h5\n"), IsEmpty());
}

TEST(FindRefusals, FindsEveryKeyThatIsWrong) {
  EXPECT_THAT(find_refusals("model: lenet\nepochs: -1\noptimizer:\n  type: adam\nepoch: 2\n"),
              ElementsAre(refusal("epoch", 5, "unknown key"),
                          refusal("epochs", 2, "must be a whole number"),
                          refusal("optimizer.type", 4, "must be one of"),
                          refusal("dataset", 1, "is missing")));
}

TEST(FindRefusals, LooksAcrossKeysWhereEachIsRight) {
  EXPECT_THAT(find_refusals("model: lent\ndataset: d.h5\n"),
              ElementsAre(refusal("model", 1, "must be one of")));
  EXPECT_THAT(find_refusals("model: lent\ndataset: 5\n"),
              ElementsAre(refusal("dataset", 2, "must be text")));
}

TEST(FindRefusals, NamesTheLineOfWhatIsNoYaml) {
  EXPECT_THAT(find_refusals("model: lenet\ndataset: [\n"),
              ElementsAre(refusal("", 3, "is not valid YAML")));
  EXPECT_THAT(find_refusals("model: lenet\nmodel: mlp\n"),
              ElementsAre(Field(&Refusal::message, HasSubstr("is there twice"))));
  EXPECT_THAT(find_refusals(""), ElementsAre(refusal("", 0, "is empty")));
}

TEST(FindRefusals, SaysWhatIsAllowedThere) {
  const auto allowed = [](const std::string& text) { return find_refusals(text).at(0).allowed; };
  const std::string job = "model: lenet\ndataset: d.h5\n";
  EXPECT_EQ(allowed(job + "epochs: -1\n"), "a whole number from 1 to 1000000");
  EXPECT_THAT(allowed(job + "optimizer: {type: adam}\n"), StartsWith("one of sgd, adamw"));
  EXPECT_THAT(allowed(job + "optimizer: {typo: 1}\n"), StartsWith("the keys type, "));
  EXPECT_THAT(allowed(job + "epoch: 1\n"), HasSubstr(", epochs, "));
  EXPECT_THAT(allowed(job + "hidden: [0]\n"), StartsWith("a whole number"));
  EXPECT_EQ(allowed("[\n"), "a group of keys");
}

TEST(FindRefusals, HasNoLineForAnOverride) {
  const std::vector<std::string> overrides = {"epochs=0"};
  EXPECT_THAT(find_refusals("model: lenet\ndataset: d.h5\n", overrides),
              ElementsAre(refusal("epochs", 0, "must be a whole number")));
}

}  // namespace
}  // namespace ringtrain
