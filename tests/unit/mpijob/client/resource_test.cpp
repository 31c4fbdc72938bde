// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/resource.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/throws_error.hpp"

namespace ringtrain::mpijob {
namespace {

using testing::HasSubstr;

const Resource kJobs{"kubeflow.org/v2beta1", "mpijobs", "MPIJob"};
const Resource kLogs{"v1", "pods/log", "log of pod"};

TEST(Resource, IsQualifiedByItsGroupAsRbacNamesIt) {
  EXPECT_EQ(kJobs.qualified(), "mpijobs.kubeflow.org");
  EXPECT_EQ(resource_of("v1", "Service").qualified(), "services");
}

TEST(Resource, HasAnAddressForItsListAndForEachObject) {
  EXPECT_EQ(address(kJobs, "lab"), "/apis/kubeflow.org/v2beta1/namespaces/lab/mpijobs");
  EXPECT_EQ(address(kJobs, "lab", "a"), "/apis/kubeflow.org/v2beta1/namespaces/lab/mpijobs/a");
  EXPECT_EQ(address(kLogs, "lab", "a"), "/api/v1/namespaces/lab/pods/a/log");
  EXPECT_EQ(address(kJobs, "../x", "a?b"),
            "/apis/kubeflow.org/v2beta1/namespaces/..%2Fx/mpijobs/a%3Fb");
}

TEST(Resource, IsRefusedForKindsThatNoJobIsMadeOf) {
  EXPECT_THAT([] { resource_of("v1", "Node"); },
              ThrowsError(ErrorKind::job, HasSubstr("kind Node")));
}

}  // namespace
}  // namespace ringtrain::mpijob
