// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "job/parse.hpp"
#include "mpijob/objects/print_yaml.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kMinimal =
    "model: lenet\ndataset: /data/mnist.h5\noutput: /data/runs/mnist\nname: mnist\n";
const std::string kWithClaim = "kubernetes:\n  volumes: [{mount: /data, claim: mnist}]\n";

std::vector<ordered_json> rendered(const std::string& text, RenderAs as = RenderAs::mpijob) {
  return render(parse_job_text(text, "job.yaml"), text, as);
}

ordered_json mpijob(const std::string& keys) {
  return rendered(kMinimal + kWithClaim + keys).back();
}

std::string refusal(const std::string& text, RenderAs as = RenderAs::mpijob) {
  try {
    rendered(text, as);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::job);
    return error.what();
  }
  return "";
}

const ordered_json& at(const ordered_json& value, const char* pointer) {
  return value.at(ordered_json::json_pointer(pointer));
}

const ordered_json& worker_pod(const ordered_json& job) {
  return at(job, "/spec/mpiReplicaSpecs/Worker/template/spec");
}

const ordered_json& launcher_pod(const ordered_json& job) {
  return at(job, "/spec/mpiReplicaSpecs/Launcher/template/spec");
}

TEST(Render, GivesAccountJobFileAndMpijob) {
  const std::string text = kMinimal + kWithClaim;
  const auto objects = rendered(text);
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["kind"], "ServiceAccount");
  EXPECT_EQ(objects[0]["automountServiceAccountToken"], false);
  EXPECT_EQ(objects[1]["metadata"]["name"], "mnist-job");
  EXPECT_EQ(objects[1]["data"]["job.yaml"], text);
  EXPECT_EQ(objects[2]["apiVersion"], "kubeflow.org/v2beta1");
  for (const auto& object : objects) {
    EXPECT_FALSE(object["metadata"].contains("namespace"));
    EXPECT_EQ(object["metadata"]["labels"]["app.kubernetes.io/instance"], "mnist");
  }
}

TEST(Render, IsTheSameEveryTime) {
  const std::string text = kMinimal + kWithClaim + "  env: {B: x, A: y}\n";
  EXPECT_EQ(print_yaml(rendered(text)), print_yaml(rendered(text)));
}

TEST(Render, GivesTheManifestOfTheKustomizeBase) {
  const std::filesystem::path base = MANIFESTS "/base";
  const std::string text = read_file(base / "job.yaml");
  EXPECT_EQ(read_file(base / "rendered.yaml"),
            "# mnist, by ringtrain render: kubectl apply -f -\n" + print_yaml(rendered(text)))
      << "write it anew: ringtrain render job.yaml > rendered.yaml";
}

TEST(Render, TakesANamespaceAndAnAccount) {
  const auto objects =
      rendered(kMinimal + kWithClaim + "  namespace: team\n  service_account: me\n");
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0]["metadata"]["namespace"], "team");
  EXPECT_EQ(objects[1]["metadata"]["namespace"], "team");
  EXPECT_EQ(worker_pod(objects[1])["serviceAccountName"], "me");
  EXPECT_EQ(launcher_pod(objects[1])["serviceAccountName"], "me");
}

TEST(Render, StartsTheLauncherWithTheOperatorsHostfile) {
  const auto job = mpijob("  env: {NCCL_DEBUG: INFO, A: b}\n");
  const ordered_json& container = launcher_pod(job)["containers"][0];
  EXPECT_EQ(container["command"].dump(),
            R"(["ringtrain","run","/etc/ringtrain/job.yaml","--hostfile","/etc/mpi/hostfile",)"
            R"("--events"])");
  EXPECT_EQ(container["env"].dump(),
            R"([{"name":"A","value":"b"},{"name":"NCCL_DEBUG","value":"INFO"},)"
            R"({"name":"RINGTRAIN_EXPORT","value":"A,NCCL_DEBUG"}])");
  EXPECT_FALSE(container["resources"]["limits"].contains("nvidia.com/gpu"));
}

TEST(Render, GivesWorkersWhatTheyAskFor) {
  const auto job = mpijob(
      "  workers: 4\n  gpus_per_worker: 8\n  cpus: 7.5\n  memory: 64Gi\n  shared_memory: 8Gi\n"
      "  rdma_resource: rdma/ib\n  ipc_lock: true\n  node_selector: {pool: gpu}\n"
      "  tolerations: [{key: gpu, operator: Exists}]\n  priority_class: high\n"
      "  image: registry/ringtrain:1\n  image_pull_policy: Always\n  image_pull_secrets: [cred]\n");
  EXPECT_EQ(at(job, "/spec/slotsPerWorker"), 8);
  EXPECT_EQ(at(job, "/spec/mpiReplicaSpecs/Worker/replicas"), 4);
  const ordered_json& pod = worker_pod(job);
  const ordered_json& container = pod["containers"][0];
  EXPECT_EQ(container["resources"]["limits"].dump(),
            R"({"cpu":"7500m","memory":"64Gi","nvidia.com/gpu":"8","rdma/ib":"1"})");
  EXPECT_EQ(container["resources"]["requests"], container["resources"]["limits"]);
  EXPECT_EQ(container["securityContext"]["capabilities"]["add"].dump(), R"(["IPC_LOCK"])");
  EXPECT_EQ(container["image"], "registry/ringtrain:1");
  EXPECT_EQ(container["imagePullPolicy"], "Always");
  EXPECT_EQ(pod["nodeSelector"]["pool"], "gpu");
  EXPECT_EQ(pod["tolerations"].dump(), R"([{"key":"gpu","operator":"Exists"}])");
  EXPECT_EQ(pod["priorityClassName"], "high");
  EXPECT_EQ(pod["imagePullSecrets"].dump(), R"([{"name":"cred"}])");
  EXPECT_EQ(pod["volumes"][1]["emptyDir"].dump(), R"({"medium":"Memory","sizeLimit":"8Gi"})");
}

TEST(Render, MountsEveryKindOfVolume) {
  const auto job = mpijob("");
  EXPECT_EQ(worker_pod(job)["volumes"][2].dump(),
            R"({"name":"volume-0","persistentVolumeClaim":{"claimName":"mnist"}})");
  const std::string text =
      kMinimal +
      "kubernetes:\n  secrets: [{secret: s3, mount: /etc/s3}]\n  volumes:\n"
      "  - {mount: /a, nfs: {server: host, path: /export}, read_only: true, sub_path: x}\n"
      "  - {mount: /data, host_path: /srv}\n  - {mount: /c, empty_dir: {size: 1Gi, memory: true}}\n"
      "  - {mount: /d, ephemeral: {size: 5Gi, storage_class: fast}}\n";
  const ordered_json pod = worker_pod(rendered(text).back());
  EXPECT_EQ(pod["volumes"][2].dump(),
            R"({"name":"volume-0","nfs":{"server":"host","path":"/export"}})");
  EXPECT_EQ(pod["volumes"][3]["hostPath"].dump(), R"({"path":"/srv","type":"Directory"})");
  EXPECT_EQ(pod["volumes"][4]["emptyDir"].dump(), R"({"medium":"Memory","sizeLimit":"1Gi"})");
  EXPECT_EQ(at(pod["volumes"][5], "/ephemeral/volumeClaimTemplate/spec/storageClassName"), "fast");
  EXPECT_EQ(pod["volumes"][6]["secret"]["secretName"], "s3");
  const ordered_json& mounts = pod["containers"][0]["volumeMounts"];
  EXPECT_EQ(mounts[2].dump(),
            R"({"name":"volume-0","mountPath":"/a","subPath":"x","readOnly":true})");
  EXPECT_EQ(mounts[6].dump(), R"({"name":"secret-0","mountPath":"/etc/s3","readOnly":true})");
}

TEST(Render, FetchesIntoAWorkersOwnVolumeFirst) {
  const auto job = rendered(kMinimal +
                            "kubernetes:\n"
                            "  fetch: {from: [/data/a.h5, 'https://host/b.h5'], to: /own}\n"
                            "  volumes: [{mount: /data, claim: c}, {mount: /own, empty_dir: {}}]\n")
                       .back();
  const ordered_json& fetch = worker_pod(job)["initContainers"][0];
  EXPECT_EQ(fetch["command"].dump(),
            R"(["ringtrain-fetch","/own","/data/a.h5","https://host/b.h5"])");
  EXPECT_EQ(fetch["volumeMounts"], worker_pod(job)["containers"][0]["volumeMounts"]);
}

TEST(Render, CountsTheWorkersAloneForGangs) {
  const auto job = mpijob("  workers: 3\n  gang: volcano\n  queue: q\n  priority_class: high\n");
  EXPECT_EQ(at(job, "/spec/runPolicy/schedulingPolicy").dump(),
            R"({"minAvailable":3,"queue":"q","priorityClass":"high"})");
  EXPECT_FALSE(job["metadata"]["labels"].contains("kueue.x-k8s.io/queue-name"));
  const auto kueue = mpijob("  queue: q\n  suspend: true\n");
  EXPECT_EQ(kueue["metadata"]["labels"]["kueue.x-k8s.io/queue-name"], "q");
  EXPECT_EQ(at(kueue, "/spec/runPolicy/suspend"), true);
}

TEST(Render, LimitsTimeAndCleansUp) {
  const auto job = mpijob("  ttl_seconds: 60\n  deadline_seconds: 3600\n  clean_pods: all\n");
  EXPECT_EQ(at(job, "/spec/runPolicy").dump(),
            R"({"cleanPodPolicy":"All","backoffLimit":3,)"
            R"("ttlSecondsAfterFinished":60,"activeDeadlineSeconds":3600})");
}

TEST(Render, RefusesWhatCannotWorkThere) {
  const std::string text = "model: lenet\ndataset: /data/m.h5\noutput: /data/r\n";
  EXPECT_THAT(refusal(text + "name: My.Job\n" + kWithClaim),
              StartsWith("name: on Kubernetes it must be lower-case"));
  EXPECT_THAT(refusal(text + "name: a" + std::string(54, 'b') + "\n" + kWithClaim),
              HasSubstr("at most 54 characters for 1 worker"));
  EXPECT_THAT(refusal("model: lenet\ndataset: m.h5\noutput: /data/r\n" + kWithClaim),
              StartsWith("dataset: m.h5 must be an absolute path"));
  EXPECT_THAT(refusal("model: lenet\ndataset: /data/m.h5\n" + kWithClaim),
              StartsWith("output: runs/job must be an absolute path"));
  EXPECT_THAT(refusal(text), StartsWith("output: /data/r is on no writable volume"));
  EXPECT_THAT(refusal(text + "kubernetes: {volumes: [{mount: /dat, claim: c}]}\n"),
              StartsWith("output: /data/r is on no writable volume"));
  EXPECT_THAT(
      refusal(text + "kubernetes: {volumes: [{mount: /data, claim: c, read_only: true}]}\n"),
      StartsWith("output: /data/r is on no writable volume"));
}

TEST(Render, NeedsNoVolumeForWhatIsAtUrls) {
  EXPECT_EQ(refusal("model: lenet\ndataset: s3://data/m.h5\noutput: s3://data/r\n"), "");
}

const std::string kScript = "name: ddp\nscript: {file: train.py}\nkubernetes:\n  image: me/app\n";

TEST(RenderOfAScript, BringsTheTreeIntoTheUsersImage) {
  const auto objects = rendered(kScript + "  ringtrain_image: r:1\n");
  EXPECT_THAT(objects[1]["data"]["passwd"].get<std::string>(), HasSubstr("mpiuser:x:1000:1000:"));
  const ordered_json& job = objects.back();
  for (const ordered_json* pod : {&launcher_pod(job), &worker_pod(job)}) {
    EXPECT_EQ(at(*pod, "/containers/0/image"), "me/app");
    EXPECT_EQ(at(*pod, "/initContainers/0/image"), "r:1");
    EXPECT_EQ(at(*pod, "/initContainers/0/volumeMounts/0/mountPath"), "/ringtrain");
    EXPECT_EQ(at(*pod, "/containers/0/command/0"), "/ringtrain/bin/ringtrain-pod");
    EXPECT_EQ(at(*pod, "/containers/0/securityContext/runAsGroup"), 1000);
    const std::string mounts = at(*pod, "/containers/0/volumeMounts").dump();
    EXPECT_THAT(mounts, HasSubstr("\"/etc/passwd\",\"subPath\":\"passwd\""));
    EXPECT_THAT(mounts, HasSubstr("\"/ringtrain\""));
  }
  EXPECT_EQ(
      at(launcher_pod(job), "/containers/0/command"),
      (ordered_json{"/ringtrain/bin/ringtrain-pod", "run", "/etc/ringtrain/job.yaml", "--hostfile",
                    "/etc/mpi/hostfile", "--events", "--set", "output=/ringtrain/output/ddp"}));
}

TEST(RenderOfAScript, KeepsItsOutputOnAVolumeWhereItIsToldOne) {
  const std::string volume = "  volumes: [{mount: /data, claim: a}]\noutput: ";
  const ordered_json job = rendered(kScript + volume + "/data/runs/a\n").back();
  EXPECT_EQ(at(launcher_pod(job), "/containers/0/command").size(), 6U);
  EXPECT_THAT(refusal(kScript + volume + "/else\n"),
              HasSubstr("so what the script writes would be lost"));
}

TEST(RenderOfAScript, FetchesWithOurImageBehindTheTree) {
  const ordered_json job = rendered(kScript +
                                    "  volumes: [{mount: /own, empty_dir: {}}]\n"
                                    "  fetch: {from: [https://h/a.tar], to: /own}\n")
                               .back();
  EXPECT_EQ(at(worker_pod(job), "/initContainers/0/name"), "ringtrain");
  EXPECT_EQ(at(worker_pod(job), "/initContainers/1/name"), "fetch");
  EXPECT_EQ(at(worker_pod(job), "/initContainers/1/image"), "ringtrain:latest");
}

TEST(RenderOfAScript, RefusesWhatCannotRunInAPod) {
  EXPECT_THAT(refusal("name: a\nscript: {file: train.py}\n"), StartsWith("kubernetes.image: "));
  EXPECT_THAT(refusal("name: a\nscript: {file: a.py, directory: src}\nkubernetes: {image: i}\n"),
              StartsWith("script.directory: src must be an absolute path"));
  EXPECT_THAT(refusal(kScript, RenderAs::trainjob),
              StartsWith("script: a TrainJob cannot run one"));
}

// Names and places that Kubeflow Trainer 2.0's MPI plugin looks for.
TEST(RenderAsTrainJob, GivesARuntimeAndATrainJobOfIt) {
  const std::string text =
      kMinimal + "kubernetes:\n  volumes: [{mount: /data, claim: mnist}]\n  workers: 3\n" +
      "  slots_per_worker: 2\n  queue: team\n  namespace: ml\n";
  const auto objects = rendered(text, RenderAs::trainjob);
  ASSERT_EQ(objects.size(), 4U);
  const ordered_json& runtime = objects[2];
  EXPECT_EQ(runtime["kind"], "ClusterTrainingRuntime");
  EXPECT_FALSE(runtime["metadata"].contains("namespace"));
  EXPECT_EQ(at(runtime, "/spec/mlPolicy"), ordered_json::parse(R"({
      "numNodes": 3, "mpi": {"numProcPerNode": 2, "mpiImplementation": "OpenMPI",
      "sshAuthMountPath": "/home/mpiuser/.ssh", "runLauncherAsNode": false}})"));
  const ordered_json& jobs = at(runtime, "/spec/template/spec/replicatedJobs");
  EXPECT_EQ(jobs[0]["name"], "node");
  EXPECT_EQ(jobs[1]["name"], "launcher");
  for (const ordered_json& job : jobs) {
    EXPECT_EQ(at(job, "/template/spec/template/spec/containers/0/name"), "node");
  }
  EXPECT_EQ(at(jobs[0],
               "/template/spec/template/spec/topologySpreadConstraints/0/labelSelector/"
               "matchLabels/jobset.sigs.k8s.io~1jobset-name"),
            "mnist");
  EXPECT_EQ(at(jobs[1], "/template/spec/template/spec/restartPolicy"), "Never");
  const ordered_json& job = objects[3];
  EXPECT_EQ(job["apiVersion"], "trainer.kubeflow.org/v1alpha1");
  EXPECT_EQ(at(job, "/metadata/namespace"), "ml");
  EXPECT_EQ(at(job, "/metadata/labels/kueue.x-k8s.io~1queue-name"), "team");
  EXPECT_EQ(at(job, "/spec"), ordered_json::parse(R"({"runtimeRef": {"name": "ringtrain-mnist"},
      "trainer": {"numNodes": 3, "numProcPerNode": 2}})"));
}

}  // namespace
}  // namespace ringtrain::mpijob
