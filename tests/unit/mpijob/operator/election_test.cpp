// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/election.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mpijob/operator/sample_resource.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// A lease as the API server keeps it: versions, and refusals of patches of an older one.
class Lease {
 public:
  const json& value() const { return value_; }
  bool take(const json& patch) {
    if (patch.is_null()) return false;
    const json version = value_.is_null() ? json() : value_["metadata"]["resourceVersion"];
    if (patch.contains("metadata") && patch["metadata"]["resourceVersion"] != version) return false;
    if (value_.is_null()) value_ = json::object();
    value_.merge_patch(patch);
    value_["metadata"]["resourceVersion"] = std::to_string(++versions_);
    return true;
  }

 private:
  json value_;
  int versions_ = 0;
};

class ElectionTest : public testing::Test {
 protected:
  bool campaign(Election& one) {
    if (!lease_.take(one.claim(lease_.value(), noon() + now_.time_since_epoch(), now_)))
      return false;
    one.won(now_);
    return true;
  }

  Lease lease_;
  Election a_{"a"};
  Election b_{"b"};
  Election::Clock::time_point now_{};
};

TEST_F(ElectionTest, TheFirstLeadsAndTheSecondWaits) {
  EXPECT_TRUE(campaign(a_));
  EXPECT_FALSE(campaign(b_));
  EXPECT_TRUE(a_.leads(now_));
  EXPECT_FALSE(b_.leads(now_));
}

TEST_F(ElectionTest, ALeaderThatRenewsStaysForEver) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(campaign(a_));
    EXPECT_FALSE(campaign(b_));
    now_ += seconds(9);
  }
}

TEST_F(ElectionTest, ALeaderThatIsCutOffStopsBeforeAnotherBegins) {
  campaign(a_);
  campaign(b_);
  now_ += seconds(11);
  EXPECT_FALSE(a_.leads(now_));
  EXPECT_FALSE(campaign(b_));
  now_ += seconds(5);
  EXPECT_TRUE(campaign(b_));
  EXPECT_EQ(lease_.value()["spec"]["holderIdentity"], "b");
  EXPECT_EQ(lease_.value()["spec"]["leaseTransitions"], 2);
  EXPECT_FALSE(campaign(a_));
}

TEST_F(ElectionTest, OnlyOneOfTwoThatSeeAFreeLeaseGetsIt) {
  campaign(a_);
  lease_.take(a_.release(lease_.value()));
  const json first = b_.claim(lease_.value(), noon(), now_);
  Election third("c");
  const json second = third.claim(lease_.value(), noon(), now_);
  EXPECT_TRUE(lease_.take(first));
  EXPECT_FALSE(lease_.take(second));
}

TEST_F(ElectionTest, GivesBackOnlyItsOwnLease) {
  campaign(a_);
  EXPECT_TRUE(b_.release(lease_.value()).is_null());
  EXPECT_TRUE(lease_.take(a_.release(lease_.value())));
  EXPECT_TRUE(campaign(b_));
}

TEST_F(ElectionTest, WritesTimesWithSixDigitsAsTheApiTakesThem) {
  campaign(a_);
  EXPECT_EQ(lease_.value()["spec"]["renewTime"], "2026-11-28T12:00:00.000000Z");
}

}  // namespace
}  // namespace ringtrain::mpijob
