// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job_traits.hpp"

#include <gtest/gtest.h>

namespace ringtrain::server {
namespace {

JobTraits traits(const std::string& understood, const std::string& cluster = "") {
  JobRecord record;
  record.understood = understood;
  record.cluster = cluster;
  return traits_of(record);
}

TEST(JobTraits, AJobIsElasticOnThisMachineAloneWhereItAsksForIt) {
  const std::string asks = R"({"elastic": "throughput", "workers": {"min": 2, "max": 4}})";
  EXPECT_TRUE(traits(asks).is_elastic);
  EXPECT_EQ(traits(asks).least_ranks, 2);
  EXPECT_EQ(traits(asks).most_ranks, 4);
  EXPECT_FALSE(traits(R"({"workers": {"min": 2, "max": 4}})").is_elastic);
  EXPECT_FALSE(traits(asks, "team").is_elastic);
}

TEST(JobTraits, AJobOfKueueIsLeftToItAndNeverElastic) {
  const std::string queued = R"({"elastic": "throughput", "kubernetes": {"queue": "team"}})";
  EXPECT_FALSE(traits(queued, "team").is_elastic);
  EXPECT_TRUE(traits(queued, "team").is_of_kueue);
  const std::string volcano = R"({"kubernetes": {"queue": "team", "gang": "volcano"}})";
  EXPECT_FALSE(traits(volcano, "team").is_of_kueue);
}

TEST(JobTraits, NothingIsTakenFromWhatIsNoJob) {
  EXPECT_FALSE(traits("[]").is_elastic);
  EXPECT_FALSE(traits(R"({"workers": 5})").is_elastic);
}

}  // namespace
}  // namespace ringtrain::server
