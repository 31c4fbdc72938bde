// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/operator_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ordered_json valid_mpijob() {
  return ordered_json::parse(R"({
    "metadata": {"name": "pi"},
    "spec": {"slotsPerWorker": 1, "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": 3},
             "mpiReplicaSpecs": {
               "Launcher": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a"}]}}},
               "Worker": {"replicas": 2, "restartPolicy": "OnFailure",
                          "template": {"spec": {"containers": [{"name": "b"}]}}}}}})");
}

// Returns the findings for a valid MPIJob in which one value was put in the place of another.
std::vector<std::string> problems_with(const char* pointer, const ordered_json& value) {
  ordered_json job = valid_mpijob();
  job[ordered_json::json_pointer(pointer)] = value;
  return broken_operator_rules(job);
}

TEST(OperatorRules, LetAValidJobThrough) {
  EXPECT_THAT(broken_operator_rules(valid_mpijob()), IsEmpty());
}

TEST(OperatorRules, WantTheLastWorkersNameToBeALabel) {
  EXPECT_THAT(problems_with("/metadata/name", "Pi"),
              ElementsAre(StartsWith("metadata.name: 'Pi-worker-1'")));
  EXPECT_THAT(problems_with("/metadata/name", "1pi"), ElementsAre(HasSubstr("start with")));
  EXPECT_THAT(problems_with("/metadata/name", "p.i"), ElementsAre(HasSubstr("metadata.name")));
  EXPECT_THAT(problems_with("/metadata/name", std::string(54, 'a')), IsEmpty());
  EXPECT_THAT(problems_with("/metadata/name", std::string(55, 'a')),
              ElementsAre(HasSubstr("at most 63")));
  ordered_json many = valid_mpijob();
  many["metadata"]["name"] = std::string(54, 'a');
  many["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] = 11;
  EXPECT_THAT(broken_operator_rules(many), ElementsAre(HasSubstr("-worker-10")));
}

TEST(OperatorRules, WantOneLauncherAndAtLeastOneWorker) {
  EXPECT_THAT(problems_with("/spec/mpiReplicaSpecs/Launcher/replicas", 2),
              ElementsAre("spec.mpiReplicaSpecs.Launcher.replicas: must be 1, found 2"));
  EXPECT_THAT(problems_with("/spec/mpiReplicaSpecs/Worker/replicas", 0),
              ElementsAre("spec.mpiReplicaSpecs.Worker.replicas: must be a whole number from 1"));
  EXPECT_THAT(problems_with("/spec/mpiReplicaSpecs/Launcher", nullptr),
              ElementsAre("spec.mpiReplicaSpecs.Launcher: is missing"));
  ordered_json alone = valid_mpijob();
  alone["spec"]["mpiReplicaSpecs"].erase("Worker");
  EXPECT_THAT(broken_operator_rules(alone), IsEmpty());
}

TEST(OperatorRules, KnowThePolicies) {
  EXPECT_THAT(problems_with("/spec/runPolicy/cleanPodPolicy", "Some"),
              ElementsAre("spec.runPolicy.cleanPodPolicy: must be one of None, Running, All, found "
                          "'Some'"));
  EXPECT_THAT(problems_with("/spec/mpiReplicaSpecs/Worker/restartPolicy", "Always"),
              ElementsAre(HasSubstr("Worker.restartPolicy: must be one of Never, OnFailure")));
  EXPECT_THAT(problems_with("/spec/runPolicy/backoffLimit", -1),
              ElementsAre("spec.runPolicy.backoffLimit: must be a whole number from 0, found -1"));
  EXPECT_THAT(problems_with("/spec/runPolicy/managedBy", "me"),
              ElementsAre(HasSubstr("managedBy")));
  EXPECT_THAT(problems_with("/spec/mpiImplementation", "LAM"), ElementsAre(HasSubstr("OpenMPI")));
  EXPECT_THAT(problems_with("/spec/launcherCreationPolicy", "Later"),
              ElementsAre(HasSubstr("WaitForWorkersReady")));
  EXPECT_THAT(problems_with("/spec/sshAuthMountPath", ""), ElementsAre(HasSubstr("is empty")));
  EXPECT_THAT(problems_with("/spec/slotsPerWorker", -2), ElementsAre(HasSubstr("slotsPerWorker")));
}

TEST(OperatorRules, WantAContainer) {
  EXPECT_THAT(
      problems_with("/spec/mpiReplicaSpecs/Worker/template/spec/containers", ordered_json::array()),
      ElementsAre(HasSubstr("Worker.template.spec.containers: must have at least one")));
}

}  // namespace
}  // namespace ringtrain::mpijob
