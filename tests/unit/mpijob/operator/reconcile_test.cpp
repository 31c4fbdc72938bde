// SPDX-License-Identifier: Apache-2.0
// Plans for a TrainInKube, from its creation to its deletion, against objects that a cluster makes.
#include "mpijob/operator/reconcile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mpijob/operator/resource_status.hpp"
#include "tests/unit/mpijob/operator/pretended_cluster.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Reconcile = PretendedCluster;

TEST_F(Reconcile, BuildsTheModelFirst) {
  step();
  EXPECT_THAT(jobs(), ElementsAre("examplebuildmodel"));
  const json& container = job("examplebuildmodel")["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(container["image"], "buildjob:latest");
  EXPECT_EQ(container["imagePullPolicy"], "Never");
  EXPECT_EQ(container["env"][0], (json{{"name", "MODEL_STORAGE_LOCATION"}, {"value", "/data"}}));
  EXPECT_FALSE(container.contains("securityContext"));
  EXPECT_EQ(seen_.config_maps[0]["data"]["epochs"], "5");
  EXPECT_THAT(seen_.resource["metadata"]["finalizers"], ElementsAre(kFinalizer));
  EXPECT_EQ(status("phase"), "Building");
}

TEST_F(Reconcile, DoesNothingTwice) {
  for (int i = 0; i < 3; ++i) step();
  const Plan again = step();
  EXPECT_THAT(again.create, IsEmpty());
  EXPECT_THAT(again.remove, IsEmpty());
  EXPECT_TRUE(again.status.is_null()) << again.status;
  EXPECT_TRUE(again.finalizers.is_null());
}

TEST_F(Reconcile, TrainsInOneMpiJobAndPutsTheModelBack) {
  reach_training();
  EXPECT_THAT(jobs(), ElementsAre("examplebuildmodel", "examplesplitdata"));
  EXPECT_EQ(name_of(seen_.mpijob), "example");
  EXPECT_EQ(label_of(seen_.mpijob, kResourceLabel), "example");
  EXPECT_EQ(seen_.mpijob["metadata"]["ownerReferences"][0]["uid"], "u-1");
  EXPECT_EQ(status("phase"), "Training");
  end(seen_.mpijob, "Succeeded");
  step();
  EXPECT_EQ(status("phase"), "Updating");
  end(job("exampleupdatemodel"), "Complete");
  step();
  EXPECT_EQ(status("phase"), "Succeeded");
  EXPECT_TRUE(has_condition(seen_.resource, "Complete"));
  EXPECT_EQ(status("completionTime"), "2026-11-28T12:00:00Z");
  EXPECT_TRUE(step().status.is_null());
}

TEST_F(Reconcile, ShowsHowFarTheTrainingIs) {
  reach_training();
  seen_.log.take("2026-11-28T12:00:00Z " + print_event(StepEvent{.epoch = 2,
                                                                 .epochs = 5,
                                                                 .step = 7000,
                                                                 .steps = 25000,
                                                                 .loss = 0.123456,
                                                                 .samples_per_second = 6712.3,
                                                                 .seconds_left = 192.7},
                                                       1));
  step();
  const json& shown = seen_.resource["status"];
  EXPECT_EQ(shown["epoch"], 2);
  EXPECT_NEAR(shown["loss"].get<double>(), 0.1235, 1e-9);
  EXPECT_EQ(shown["samplesPerSecond"], 6712);
  EXPECT_EQ(shown["secondsLeft"], 192);
  EXPECT_EQ(shown["timeLeft"], "3m");

  // The epoch's end comes after the last report of one of its steps.
  seen_.log.take("2026-11-28T12:01:00Z " +
                 print_event(EpochEvent{.epoch = 3, .epochs = 5, .step = 15000}, 1));
  step();
  EXPECT_EQ(shown["epoch"], 3);
  EXPECT_EQ(shown["step"], 15000);
}

TEST_F(Reconcile, RefusesAbsurdNumbersAndMakesNothing) {
  seen_.resource["spec"]["epochs"] = -1;
  const Plan plan = step();
  EXPECT_THAT(plan.create, IsEmpty());
  EXPECT_EQ(status("phase"), "Failed");
  EXPECT_EQ(status("why"), "spec.epochs: must be from 1 to 1000000, found -1");
  EXPECT_TRUE(has_condition(seen_.resource, "Failed"));
}

TEST_F(Reconcile, RepeatsTheLastWordsOfAnImageThatFails) {
  step();
  end(job("examplebuildmodel"), "Failed", "Job has reached the specified backoff limit");
  add_pod("examplebuildmodel", 1, "Traceback\nModuleNotFoundError: No module named 'keras'\n");
  step();
  EXPECT_EQ(status("phase"), "Failed");
  EXPECT_THAT(status("why"), HasSubstr("examplebuildmodel: container c exited with exit code 1: "
                                       "ModuleNotFoundError: No module named 'keras'"));
}

TEST_F(Reconcile, GivesAnImageThatCannotBePulledTimeAndThenFails) {
  step();
  json& pod = add_pod("examplebuildmodel", 0, "");
  pod["status"] = {{"phase", "Pending"},
                   {"containerStatuses",
                    {{{"name", "build"},
                      {"image", "buildjob:latest"},
                      {"state", {{"waiting", {{"reason", "ErrImageNeverPull"}}}}}}}}};
  pod["metadata"]["creationTimestamp"] = "2026-11-28T11:59:00Z";
  step();
  EXPECT_EQ(status("phase"), "Building");
  EXPECT_EQ(status("reason"), "ImagePull");
  EXPECT_THAT(status("why"), HasSubstr("image buildjob:latest cannot be pulled"));
  seen_.now += std::chrono::minutes(10);
  const Plan plan = step();
  EXPECT_EQ(status("phase"), "Failed");
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(plan.remove[0].second, "examplebuildmodel");
}

TEST_F(Reconcile, SplitsAgainWhereTheFindingsAreLost) {
  step();
  end(job("examplebuildmodel"), "Complete");
  step();
  end(job("examplesplitdata"), "Complete");
  const Plan plan = step();
  ASSERT_EQ(plan.remove.size(), 1U);
  EXPECT_EQ(plan.remove[0].second, "examplesplitdata");
  EXPECT_TRUE(seen_.mpijob.is_null());
}

TEST_F(Reconcile, TakesTheMpiJobsOwnConfigMapForItsOwn) {
  reach_training();
  for (json& map : seen_.config_maps) {
    if (name_of(map) != "example-job") continue;
    map["metadata"]["ownerReferences"] = {{{"kind", "MPIJob"}, {"uid", "u-2"}}};
  }
  EXPECT_THAT(step().create, IsEmpty());
}

TEST_F(Reconcile, MakesAnMpiJobAgainThatWasDeleted) {
  reach_training();
  step();
  seen_.mpijob = nullptr;
  EXPECT_FALSE(step().submit.empty());
}

TEST_F(Reconcile, DoesNotRepeatStepsWhoseJobsWereDeleted) {
  reach_training();
  seen_.jobs.clear();
  seen_.pods.clear();
  EXPECT_THAT(step().create, IsEmpty());
}

TEST_F(Reconcile, LeavesAnMpiJobOfSomebodyElseAlone) {
  seen_.mpijob = {{"metadata", {{"name", "example"}}}};
  step();
  end(job("examplebuildmodel"), "Complete");
  step();
  end(job("examplesplitdata"), "Complete");
  add_pod("examplesplitdata", 0, R"({"model": "/data/model.pt", "train_rows": 50000})");
  const Plan plan = step();
  EXPECT_THAT(plan.submit, IsEmpty());
  EXPECT_EQ(status("reason"), "NameTaken");
  seen_.resource["metadata"]["deletionTimestamp"] = "2026-11-28T12:00:00Z";
  for (const auto& [resource, name] : step().remove) EXPECT_NE(resource.plural, "mpijobs");
}

TEST_F(Reconcile, AFailedTrainingIsTheResourcesFailure) {
  reach_training();
  end(seen_.mpijob, "Failed", "Job has reached the specified backoff limit");
  seen_.mpijob["status"]["completionTime"] = "2026-11-28T12:00:00Z";
  step();
  EXPECT_EQ(status("phase"), "Failed");
  EXPECT_THAT(status("why"), HasSubstr("backoff limit"));
}

TEST_F(Reconcile, AnAnnotationThatIsBrokenLaterDoesNotEndATraining) {
  reach_training();
  seen_.resource["metadata"]["annotations"][kJobAnnotation] = "epochs: many";
  const Plan plan = step();
  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_EQ(status("phase"), "Training");
  EXPECT_THAT(status("why"), HasSubstr("epochs: "));
}

TEST_F(Reconcile, ADeletedResourceGoesAfterAllThatBelongsToIt) {
  reach_training();
  json pod = {{"metadata",
               {{"name", "example-worker-0"},
                {"labels", {{"training.kubeflow.org/job-name", "example"}}}}}};
  seen_.pods = {pod};
  seen_.resource["metadata"]["deletionTimestamp"] = "2026-11-28T12:00:00Z";
  const Plan first = step();
  EXPECT_EQ(first.remove.size(), 5U);  // MPIJob, two Jobs, two ConfigMaps
  EXPECT_TRUE(first.finalizers.is_null());
  seen_.mpijob = nullptr;
  seen_.jobs.clear();
  seen_.config_maps.clear();
  EXPECT_TRUE(step().finalizers.is_null());
  EXPECT_EQ(status("phase"), "Deleting");
  seen_.pods.clear();
  EXPECT_EQ(step().finalizers, json::array());
  EXPECT_TRUE(step().finalizers.is_null());
}

TEST_F(Reconcile, ADeletedResourceNeedNotBeValid) {
  step();
  seen_.resource["spec"] = json::object();
  seen_.resource["metadata"]["deletionTimestamp"] = "2026-11-28T12:00:00Z";
  step();
  seen_.jobs.clear();
  seen_.config_maps.clear();
  EXPECT_EQ(step().finalizers, json::array());
}

TEST_F(Reconcile, DirectoriesOfTheNodeAreWrittenByRootAndClaimsAreNot) {
  step();
  end(job("examplebuildmodel"), "Complete");
  step();
  EXPECT_EQ(job("examplesplitdata")["spec"]["template"]["spec"]["containers"][0]["securityContext"]
                                   ["runAsUser"],
            0);
  seen_ = ObservedResource{};
  seen_.now = noon();
  seen_.resource = sample_resource();
  seen_.resource["metadata"]["annotations"][kJobAnnotation] =
      "kubernetes: {volumes: [{mount: /data, claim: data}]}";
  step();
  end(job("examplebuildmodel"), "Complete");
  step();
  const json& pod = job("examplesplitdata")["spec"]["template"]["spec"];
  EXPECT_EQ(pod["containers"][0]["securityContext"]["runAsUser"], 1000);
  EXPECT_EQ(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "data");
}

}  // namespace
}  // namespace ringtrain::mpijob
