// SPDX-License-Identifier: Apache-2.0
// The objects were recorded from a cluster of Kubernetes 1.35 and MPI operator 0.8.2 and trimmed
// (data/): jobs of two workers, each with one problem.
#include "mpijob/status/job_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

struct Recorded {
  JobObjects objects;
  Time now;
};

Recorded recorded(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA) + "/" + name + ".json");
  json value = json::parse(file);
  return {{value["mpijob"], value["launcher_job"], value["pods"], value["events"]},
          parse_time(value["now"].get<std::string>()).value()};
}

JobStatus judged(const std::string& name, const LauncherState& log = {}) {
  const Recorded record = recorded(name);
  return judge(record.objects, log, record.now);
}

struct Case {
  const char* recording;
  const char* state;
  const char* reason;
  const char* why;  // how the line starts
};

std::string named_by_recording(const testing::TestParamInfo<Case>& test) {
  std::string name = test.param.recording;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class EveryRecording : public testing::TestWithParam<Case> {};

TEST_P(EveryRecording, HasItsReasonInOneLine) {
  const Case& expected = GetParam();
  const JobStatus status = judged(expected.recording);
  EXPECT_EQ(status.state, expected.state) << status.why;
  EXPECT_EQ(status.reason, expected.reason) << status.why;
  EXPECT_THAT(status.why, StartsWith(expected.why));
  EXPECT_EQ(status.why.find('\n'), std::string::npos);
  EXPECT_LT(status.why.size(), 700u);
}

INSTANTIATE_TEST_SUITE_P(
    Pods, EveryRecording,
    testing::Values(
        Case{"gpus", "Pending", "Unschedulable",
             "gpus-worker-0: no node fits the pod: 0/2 nodes are available: 2 Insufficient "
             "nvidia.com/gpu; request less, or wait"},
        Case{"no-image", "Pending", "ImagePull",
             "no-image-worker-0: image localhost/none:1 cannot be pulled (ImagePullBackOff): "},
        Case{"no-claim", "Pending", "ClaimNotFound",
             "no-claim-worker-0: PersistentVolumeClaim data not found: create it"},
        Case{"no-config", "Pending", "VolumeMount",
             "no-config-worker-0: a volume cannot be mounted: MountVolume.SetUp failed for volume "
             "\"v\" : configmap \"gone\" not found"},
        Case{"no-secret", "Pending", "CannotStart",
             "no-secret-worker-0: container worker cannot start "
             "(CreateContainerConfigError): secret \"gone\" not found"},
        Case{"no-command", "Restarting", "CannotStart",
             "no-command-worker-0: container worker cannot start (RunContainerError): "
             "failed"},
        Case{"crash", "Restarting", "CrashLoop",
             "crash-worker-0: container worker keeps exiting with exit code 3"},
        Case{"oom", "Restarting", "OutOfMemory",
             "oom-worker-0: container worker was killed because it used more memory than its "
             "limit: raise kubernetes.memory"},
        Case{"evicted", "Restarting", "Evicted",
             "evicted-worker-0: evicted from node node1: Usage of EmptyDir volume \"v\" exceeds "
             "the limit \"1Mi\"."},
        Case{"node-silent", "Restarting", "NodeLost",
             "running-worker-1: node node2 has not responded since 2026-11-25T00:40:32Z"},
        Case{"node-lost", "Restarting", "NodeLost",
             "running-worker-1: stuck in Terminating on node node2, which does not respond"}),
    named_by_recording);

INSTANTIATE_TEST_SUITE_P(
    Jobs, EveryRecording,
    testing::Values(
        Case{"quota", "Pending", "Quota",
             "the namespace's quota is exceeded: small, requested: pods=1, used: pods=1, limited: "
             "pods=1"},
        Case{"secure", "Pending", "PodSecurity",
             "the namespace's Pod Security standard forbids the pods: \"restricted:latest\": "
             "allowPrivilegeEscalation != false"},
        Case{"no-account", "Pending", "ServiceAccount", "service account gone not found"},
        Case{"no-priority", "Pending", "PriorityClass", "PriorityClass gone not found"},
        Case{"no-workers", "Invalid", "ValidationError",
             "the MPI operator rejects the job: spec.mpiReplicaSpecs[Worker].replicas: Invalid "
             "value: 0: must be greater than or equal to 1; delete it"},
        Case{"too-long", "Invalid", "ValidationError",
             "the MPI operator rejects the job: metadata.name: Invalid value"},
        Case{"suspended", "Suspended", "Suspended",
             "holds no resources; 'ringtrain resume suspended' resumes"},
        Case{"queued", "Suspended", "Queued", "waiting in Kueue's queue team"},
        Case{"unseen", "Pending", "ManagedElsewhere",
             "it is managed by kueue.x-k8s.io/multikueue, not by the MPI operator"},
        Case{"running", "Starting", "", ""}, Case{"succeeded", "Succeeded", "", ""},
        Case{"failed", "Failed", "Ended",
             "failed-launcher-j54nr: container launcher exited with exit code 3"},
        Case{"launcher-oom", "Failed", "OutOfMemory",
             "launcher-oom-launcher-8n267: container launcher was killed"},
        Case{"deadline", "Failed", "DeadlineExceeded", "it ran for longer than"}),
    named_by_recording);

TEST(JobStatus, RunsWhenTheLauncherReportsTraining) {
  const JobStatus status = judged("running", {true, ""});
  EXPECT_EQ(status.state, "Running");
  EXPECT_EQ(status.why, "");
  EXPECT_EQ(status.workers, 2);
  EXPECT_EQ(status.workers_running, 2);
  ASSERT_EQ(status.pods.size(), 3u);
  EXPECT_EQ(status.pods[0].role, "launcher");
  EXPECT_EQ(status.pods[2].name, "running-worker-1");
  EXPECT_EQ(status.pods[2].node, "node2");
  EXPECT_EQ(status.pods[2].state, "Running");
}

TEST(JobStatus, ATrainingJobThatLostAWorkerRunsAndSaysSo) {
  const JobStatus status = judged("node-silent", {true, ""});
  EXPECT_EQ(status.state, "Running");
  EXPECT_EQ(status.reason, "NodeLost");
  EXPECT_EQ(status.workers_running, 1);
}

TEST(JobStatus, AFailureHasTheLaunchersLastWords) {
  const JobStatus status = judged("failed", {false, "/data/mnist.h5: No such file"});
  EXPECT_THAT(status.why, HasSubstr("exit code 3: /data/mnist.h5: No such file"));
}

TEST(JobStatus, AnOperatorThatDoesNotRunIsNoticedAfterAWhile) {
  Recorded record = recorded("unseen");
  record.objects.mpijob["spec"]["runPolicy"].erase("managedBy");
  const Time created =
      parse_time(look_text(record.objects.mpijob, {"metadata", "creationTimestamp"})).value();
  EXPECT_EQ(judge(record.objects, {}, created + std::chrono::seconds(2)).reason, "New");
  const JobStatus status = judge(record.objects, {}, created + std::chrono::seconds(60));
  EXPECT_EQ(status.reason, "NoOperator");
  EXPECT_THAT(status.why, HasSubstr("does it watch namespace default?"));
}

TEST(JobStatus, ASuspendedJobIsSuspendingWhileItHasPods) {
  Recorded record = recorded("running");
  record.objects.mpijob["spec"]["runPolicy"]["suspend"] = true;
  EXPECT_EQ(judge(record.objects, {}, record.now).state, "Suspending");
}

TEST(JobStatus, ADeletedJobSaysWhatHoldsItUp) {
  Recorded record = recorded("node-lost");
  record.objects.mpijob["metadata"]["deletionTimestamp"] = "2026-11-25T00:41:00Z";
  const JobStatus status = judge(record.objects, {}, record.now);
  EXPECT_EQ(status.state, "Deleting");
  EXPECT_THAT(status.why, HasSubstr("stuck in Terminating on node node2"));
}

TEST(JobStatus, TheNewestLauncherCounts) {
  Recorded record = recorded("running");
  json older = record.objects.pods.front();
  older["metadata"]["name"] = "older";
  older["metadata"]["creationTimestamp"] = "2026-11-25T00:33:14Z";
  older["status"]["phase"] = "Failed";
  record.objects.pods.push_back(older);
  const JobStatus status = judge(record.objects, {true, ""}, record.now);
  EXPECT_EQ(status.state, "Running");
  EXPECT_EQ(status.pods.front().name, "running-launcher-4g825");
}

TEST(JobStatus, NothingAtAllIsNoCrash) {
  const JobStatus status = judge({}, {}, Time{});
  EXPECT_EQ(status.state, "Pending");
}

}  // namespace
}  // namespace ringtrain::mpijob
