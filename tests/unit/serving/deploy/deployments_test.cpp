// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/deployments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>

#include "tests/throws_error.hpp"
#include "tests/unit/serving/fake_versions.hpp"

namespace ringtrain::serving {
namespace {

using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

class DeploymentsTest : public ::testing::Test {
 protected:
  // Calls `change` with a Done, runs what the loader posts on this thread, and returns the error.
  template <class Change>
  std::string after(const Change& change) {
    std::optional<std::string> found;
    change([&](const std::string& error) { found = error; });
    while (!found) {
      posted_.get_future().get()();
      posted_ = {};
    }
    return *found;
  }
  std::string replace(const std::string& path) {
    return after([&](const auto& done) { all_.replace("m", path, done); });
  }
  std::string canary(const std::string& path, const CanaryOptions& options) {
    return after([&](const auto& done) { all_.begin_canary("m", path, options, done); });
  }
  std::string answering() { return all_.choose("m").model.version; }
  const Deployment& deployment() { return all_.find("m"); }

  std::promise<std::function<void()>> posted_;
  Deployments all_{load_fake,
                   [this](std::function<void()> work) { posted_.set_value(std::move(work)); }};
};

TEST_F(DeploymentsTest, NamesAreCheckedAndTakenOnce) {
  all_.add("m", "accuracy 0.9");
  EXPECT_THAT([&] { all_.add("m", "x"); },
              ThrowsError(ErrorKind::job, HasSubstr("two models are called m")));
  EXPECT_THAT([&] { all_.add("a/b", "x"); }, ThrowsError(ErrorKind::job, HasSubstr("is no name")));
  EXPECT_THAT([&] { all_.add("n", "bad"); },
              ThrowsError(ErrorKind::data, HasSubstr("is no model")));
  EXPECT_THAT(
      [&] { all_.find("n"); },
      Throws<Refusal>(Property(&Refusal::what, HasSubstr("there is no model n; there is m"))));
}

TEST_F(DeploymentsTest, ANewVersionTakesThePlaceOfTheCurrentOne) {
  all_.add("m", "first");
  EXPECT_EQ(answering(), "1");
  EXPECT_EQ(replace("second"), "");
  EXPECT_EQ(answering(), "2");
  EXPECT_THAT([&] { all_.choose("m", "1"); },
              Throws<Refusal>(Property(&Refusal::what,
                                       HasSubstr("version 1 of m is not served; version 2 is"))));
  EXPECT_EQ(all_.choose("m", "2").path, "second");
}

TEST_F(DeploymentsTest, AVersionThatCannotBeUsedChangesNothing) {
  all_.add("m", "first");
  EXPECT_EQ(replace("bad"), "bad is no model");
  EXPECT_THAT(replace("other"), HasSubstr("serve it under a name of its own"));
  EXPECT_EQ(answering(), "1");
}

TEST_F(DeploymentsTest, ACanaryTakesItsShareAndIsPromoted) {
  all_.add("m", "accuracy 0.9");
  EXPECT_EQ(canary("accuracy 0.95", {.percent = 25, .after = 10}), "");
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += answering() == "2" ? 1 : 0;
  EXPECT_EQ(taken, 25);
  all_.judge();
  EXPECT_TRUE(deployment().canary.has_value());
  deployment().canary->version->requests = 10;
  all_.judge();
  EXPECT_FALSE(deployment().canary.has_value());
  EXPECT_EQ(answering(), "2");
  EXPECT_THAT(deployment().last_canary, HasSubstr("version 2 was promoted"));
}

TEST_F(DeploymentsTest, ACanaryThatFailsIsTakenBack) {
  all_.add("m", "accuracy 0.9");
  EXPECT_EQ(canary("accuracy 0.95", {.percent = 25, .after = 10}), "");
  deployment().canary->version->requests = 3;
  deployment().canary->version->failures = 1;
  all_.judge();
  EXPECT_EQ(answering(), "1");
  EXPECT_THAT(deployment().last_canary,
              HasSubstr("version 2 was taken back: it could not compute 1 of 3 requests"));
}

TEST_F(DeploymentsTest, AWorseCanaryIsRefusedAndAReplacementEndsACanary) {
  all_.add("m", "accuracy 0.9");
  EXPECT_THAT(canary("accuracy 0.8", {}), HasSubstr("the new version is worse"));
  EXPECT_THAT(canary("without", {}), HasSubstr("the new version has no evaluation"));
  EXPECT_FALSE(deployment().canary.has_value());
  EXPECT_EQ(canary("accuracy 0.9", {}), "");
  EXPECT_EQ(replace("accuracy 0.99"), "");
  EXPECT_FALSE(deployment().canary.has_value());
  EXPECT_THAT(deployment().last_canary, HasSubstr("another version was deployed"));
  EXPECT_THAT([&] { all_.end_canary("m", "x"); }, Throws<Refusal>(Property(&Refusal::status, 404)));
}

}  // namespace
}  // namespace ringtrain::serving
