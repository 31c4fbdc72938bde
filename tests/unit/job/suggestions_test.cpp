// SPDX-License-Identifier: Apache-2.0
// Refusals of a job file that name what was probably meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "job/parse.hpp"
#include "tests/unit/job/refusal.hpp"

namespace ringtrain {
namespace {

using testing::EndsWith;

// The refusal of a minimal job with more lines: the first of them is line 3.
std::string refused(const std::string& more) {
  return refusal([&] { parse_job_text("model: lenet\ndataset: mnist.h5\n" + more, "f.yaml"); });
}

std::string refused_model(const std::string& model) {
  return refusal([&] { parse_job_text("dataset: mnist.h5\nmodel: " + model + "\n", "f.yaml"); });
}

TEST(Suggestion, FindsTheKeyThatWasMeantWhereverItIs) {
  EXPECT_EQ(refused("lr: 1\n"), "f.yaml:3: lr: unknown key, did you mean optimizer.learning_rate?");
  EXPECT_EQ(refused("learning_rte: 1\n"),
            "f.yaml:3: learning_rte: unknown key, did you mean optimizer.learning_rate?");
  EXPECT_EQ(refused("optimizer: {wd: 1}\n"),
            "f.yaml:3: optimizer.wd: unknown key, did you mean optimizer.weight_decay?");
  EXPECT_EQ(refused("bs: 64\n"), "f.yaml:3: bs: unknown key, did you mean batch_size?");
  EXPECT_EQ(refused("batch: 64\n"), "f.yaml:3: batch: unknown key, did you mean batch_size?");
  EXPECT_EQ(refused("augment: {epohcs: 1}\n"),
            "f.yaml:3: augment.epohcs: unknown key, did you mean epochs?");
}

TEST(Suggestion, SuggestsTheValueThatWasMeant) {
  EXPECT_EQ(refused("optimizer: {type: adam}\n"),
            "f.yaml:3: optimizer.type: must be one of sgd, adamw, lars, found the text 'adam', did "
            "you mean adamw?");
  for (const std::string text : {"resnet-18", "resnet_18", "ResNet18"}) {
    EXPECT_THAT(refused_model(text), EndsWith("found '" + text + "', did you mean resnet18?"));
  }
}

TEST(Suggestion, NamesTheSpaceThatIsMissingAfterAColon) {
  EXPECT_THAT(refused("optimizer:\n  type:sgd\n"),
              EndsWith("found the text 'type:sgd': a space is missing after the colon, as "
                       "in 'type: sgd'"));
  EXPECT_EQ(refused("optimizer: {type:sgd}\n"),
            "f.yaml:3: a space is missing after the colon, as in 'type: sgd'");
}

}  // namespace
}  // namespace ringtrain
