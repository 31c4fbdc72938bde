// SPDX-License-Identifier: Apache-2.0
#include "job/keys/key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain {
namespace {

using testing::ElementsAre;

TEST(Keys, NameThoseThatACheckpointDependsOn) {
  EXPECT_THAT(keys_on_resume(OnResume::fixed), ElementsAre("model", "hidden", "stem", "samples",
                                                           "batch_size", "seed", "optimizer.type"));
}

TEST(Keys, NameThoseThatMayChangeFromRunToRun) {
  EXPECT_THAT(keys_on_resume(OnResume::silent),
              ElementsAre("name", "dataset", "epochs", "max_steps", "stop_at", "device",
                          "dataset_cache", "communication", "checkpoint", "rollback",
                          "initialize_from", "max_skipped_steps", "evaluate_every_epochs", "output",
                          "workers", "elastic", "restarts", "trace", "script", "kubernetes"));
}

TEST(Keys, InheritTheRuleOfTheirGroup) {
  EXPECT_EQ(on_resume("communication.backend"), OnResume::silent);
  EXPECT_EQ(on_resume("kubernetes.volumes.0.mount"), OnResume::silent);
  EXPECT_EQ(on_resume("optimizer.type"), OnResume::fixed);
  EXPECT_EQ(on_resume("optimizer.momentum"), OnResume::reported);
  EXPECT_EQ(on_resume("hidden.0"), OnResume::fixed);
  EXPECT_EQ(on_resume("a_key_of_another_version"), OnResume::reported);
}

}  // namespace
}  // namespace ringtrain
