// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/train_in_kube.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "mpijob/operator/training_job.hpp"
#include "tests/unit/mpijob/operator/sample_resource.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Returns the refusal of the sample with another value of a field.
std::string refusal(const char* field, const json& value) {
  json resource = sample_resource();
  resource["spec"][field] = value;
  try {
    read_train_in_kube(resource);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TrainInKube, HasTheFieldsOfItsUsersYaml) {
  const TrainInKube read = read_train_in_kube(sample_resource());
  EXPECT_EQ(read.name, "example");
  EXPECT_EQ(read.model_image, "buildjob:latest");
  EXPECT_EQ(read.pull_policy, "Never");
  EXPECT_EQ(read.epochs, 5);
  EXPECT_EQ(read.batch_size, 10);
  EXPECT_EQ(read.samples, 50000);
  EXPECT_EQ(read.dataset_location, "/data/PreprocessedData");
  EXPECT_EQ(read.models_location, "/data");
}

TEST(TrainInKube, RefusesAbsurdNumbersByFieldAndValue) {
  EXPECT_EQ(refusal("epochs", 0), "spec.epochs: must be from 1 to 1000000, found 0");
  EXPECT_THAT(refusal("epochs", -5), HasSubstr("found -5"));
  EXPECT_THAT(refusal("batchSize", std::numeric_limits<uint64_t>::max()),
              HasSubstr("spec.batchSize: must be from 1 to 16777216"));
  EXPECT_THAT(refusal("numberOfSamples", std::numeric_limits<int64_t>::max()), HasSubstr("found"));
  EXPECT_THAT(refusal("numberOfSamples", 9), HasSubstr("fewer than batchSize, 10"));
  EXPECT_THAT(refusal("epochs", "5"), HasSubstr("must be a whole number"));
}

TEST(TrainInKube, RefusesLocationsThatAreNoAbsolutePath) {
  EXPECT_THAT(refusal("modelsLocation", "data"), HasSubstr("must be an absolute path"));
  EXPECT_THAT(refusal("splitDatasetLocation", "/data/../etc"), HasSubstr("must not hold '..'"));
  EXPECT_THAT(refusal("modelImage", ""), HasSubstr("spec.modelImage: is missing or empty"));
  EXPECT_THAT(refusal("modelImagePullPolicy", "never"), HasSubstr("found 'never'"));
}

TEST(TrainInKube, RefusesANameThatNoJobCanHave) {
  json resource = sample_resource();
  resource["metadata"]["name"] = "my.model";
  EXPECT_THROW(read_train_in_kube(resource), Error);
  resource["metadata"]["name"] = std::string(52, 'a');
  EXPECT_NO_THROW(read_train_in_kube(resource));
  resource["metadata"]["name"] = std::string(53, 'a');
  EXPECT_THROW(read_train_in_kube(resource), Error);
}

JobSpec job_with(const std::string& annotation, const json& defaults = json::object()) {
  json resource = sample_resource();
  resource["metadata"]["annotations"][kJobAnnotation] = annotation;
  return training_job(read_train_in_kube(resource), defaults);
}

std::string job_refusal(const std::string& annotation) {
  try {
    job_with(annotation);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TrainingJob, TrainsAsTrainInKubesDid) {
  const JobSpec job = job_with("");
  EXPECT_EQ(job.name, "example");
  EXPECT_EQ(job.epochs, 5);
  EXPECT_EQ(job.batch_size, 10);
  EXPECT_EQ(job.samples, 50000);
  EXPECT_EQ(job.dataset, "/data/Chunks/example.h5");
  EXPECT_EQ(job.output, "/data/example");
  EXPECT_EQ(job.optimizer.learning_rate, 0.01);
  EXPECT_EQ(job.optimizer.momentum, 0);
  EXPECT_EQ(job.kubernetes->slots(), 6);
  EXPECT_EQ(job.kubernetes->volumes.at(0).path, "/data");
}

TEST(TrainingJob, TakesFieldsOverDefaultsAndTheAnnotationOverBoth) {
  const json defaults = read_defaults(
      "epochs: 9\noptimizer: {learning_rate: 0.5}\nkubernetes: {workers: 3}", "defaults.yaml");
  const JobSpec job = job_with("kubernetes: {slots_per_worker: 1}", defaults);
  EXPECT_EQ(job.epochs, 5);
  EXPECT_EQ(job.optimizer.learning_rate, 0.5);
  EXPECT_EQ(job.optimizer.momentum, 0);
  EXPECT_EQ(job.kubernetes->workers, 3);
  EXPECT_EQ(job.kubernetes->slots(), 1);
  EXPECT_EQ(job_with("epochs: 2", defaults).epochs, 2);
}

TEST(TrainingJob, TakesNoMoreSamplesThanThereAre) {
  const TrainInKube resource = read_train_in_kube(sample_resource());
  const SplitResult split{"/data/model.h5", 45000};
  const JobSpec job = training_job(resource, json::object(), &split);
  EXPECT_EQ(job.samples, 45000);
  EXPECT_EQ(job.model, "/data/model.h5");
}

TEST(TrainingJob, NamesTheAnnotationAndTheKeyThatIsWrong) {
  EXPECT_THAT(job_refusal("optimiser: {}"), HasSubstr("annotation trainink8s.com/job: optimiser"));
  EXPECT_THAT(job_refusal("optimizer: {learning_rate: fast}"),
              HasSubstr("annotation trainink8s.com/job: optimizer.learning_rate: "));
  EXPECT_THAT(job_refusal("output: /data/mine"), HasSubstr("output: is the operator's own"));
  EXPECT_THAT(job_refusal("kubernetes: {namespace: other}"), HasSubstr("kubernetes.namespace"));
  EXPECT_THAT(job_refusal("- 1"), HasSubstr("must be keys of the job file"));
  EXPECT_THAT(
      job_refusal("kubernetes: {volumes: [{mount: /mnt, claim: data}]}"),
      HasSubstr("spec.preprocessedDatasetLocation: /data/PreprocessedData is on no volume"));
}

TEST(TrainingJob, RefusesDefaultsThatAreNotOfAJobFile) {
  EXPECT_THROW(read_defaults("epoch: 3", "d.yaml"), Error);
  EXPECT_THROW(read_defaults("model: lenet5", "d.yaml"), Error);
  EXPECT_NO_THROW(read_defaults("{}", "d.yaml"));
}

}  // namespace
}  // namespace ringtrain::mpijob
