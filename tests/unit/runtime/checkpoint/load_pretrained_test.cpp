// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/load_pretrained.hpp"

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>

#include "base/error.hpp"
#include "runtime/models/model_files.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::unique_ptr<Model> make_mlp(int64_t classes, uint64_t seed, std::vector<int64_t> hidden = {6}) {
  return make_model({.name = "mlp",
                     .hidden = std::move(hidden),
                     .channels = 1,
                     .height = 4,
                     .width = 4,
                     .classes = classes,
                     .seed = seed});
}

class FirstWeights : public testing::Test {
 protected:
  std::filesystem::path save(const Model& model) {
    write_safetensors(file_, model.parameters(), {});
    return file_;
  }
  void take(const Model& model) {
    load_pretrained(
        file_, model, [this](const std::string& line) { log_.push_back(line); },
        [this](const std::string& line) { warnings_.push_back(line); });
  }

  TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_.path() / "model.safetensors";
  std::vector<std::string> log_, warnings_;
};

TEST_F(FirstWeights, AreThoseOfTheFile) {
  const auto from = make_mlp(3, 1);
  const auto to = make_mlp(3, 2);
  save(*from);
  take(*to);
  for (size_t i = 0; i < from->parameters().size(); ++i) {
    EXPECT_TRUE(from->parameters()[i].tensor.equal(to->parameters()[i].tensor));
  }
  EXPECT_THAT(log_, ElementsAre(HasSubstr("4 of the model's 4 tensors loaded")));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(FirstWeights, OfAModelOfKerasAreFoundByTheOrderOfItsLayers) {
  const auto from = make_mlp(3, 1);
  auto tensors = from->parameters();  // fc0.weight, fc0.bias, fc1.weight, fc1.bias
  const char* const names[] = {"dense.weight", "dense.bias", "a_head.weight", "a_head.bias"};
  for (size_t i = 0; i < tensors.size(); ++i) tensors[i].name = names[i];
  const std::string order =
      R"({"tensors": ["dense.weight", "dense.bias", "a_head.weight", "a_head.bias"]})";
  write_safetensors(file_, tensors, {{"keras", order}});
  const auto to = make_mlp(3, 2);
  take(*to);
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_TRUE(tensors[i].tensor.equal(to->parameters()[i].tensor));
  }
  EXPECT_THAT(warnings_, IsEmpty());
  write_safetensors(file_, tensors, {});
  EXPECT_THAT([&] { take(*to); }, ThrowsError(ErrorKind::job, HasSubstr("none of its 4 tensors")));
}

TEST_F(FirstWeights, OfAnotherHeadAreReportedAndLeft) {
  const auto from = make_mlp(3, 1);
  const auto to = make_mlp(5, 2);
  const auto untouched = make_mlp(5, 2);
  save(*from);
  take(*to);
  EXPECT_TRUE(from->parameters()[0].tensor.equal(to->parameters()[0].tensor));
  EXPECT_TRUE(untouched->parameters()[2].tensor.equal(to->parameters()[2].tensor));
  EXPECT_THAT(log_, ElementsAre(HasSubstr("2 of the model's 4 tensors loaded")));
  ASSERT_EQ(warnings_.size(), 1);
  EXPECT_THAT(warnings_[0], HasSubstr("[5, 6], in the file [3, 6]"));
  EXPECT_THAT(warnings_[0], HasSubstr("left at their initial values"));
}

TEST_F(FirstWeights, ThatAreMissingOrTooManyAreNamed) {
  const auto from = make_mlp(3, 1, {6, 3});
  save(*from);
  const auto to = make_mlp(3, 2);
  take(*to);
  ASSERT_FALSE(warnings_.empty());
  EXPECT_THAT(warnings_.back(), HasSubstr("in the file, but not in the model"));
}

TEST_F(FirstWeights, ThatAllDoNotFitAreRefused) {
  write_safetensors(file_, std::vector<NamedTensor>{{"other", at::ones({2})}}, {});
  try {
    take(*make_mlp(3, 2));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::job);
    EXPECT_THAT(error.what(), HasSubstr("none of its 1 tensors fits"));
    EXPECT_THAT(error.what(), HasSubstr("other [2]"));
  }
}

TEST_F(FirstWeights, OfABrokenFileAreRefused) {
  folder_.write("model.safetensors", "no tensors");
  EXPECT_THAT([&] { take(*make_mlp(3, 2)); }, ThrowsError(ErrorKind::data));
}

}  // namespace
}  // namespace ringtrain
