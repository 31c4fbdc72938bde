// SPDX-License-Identifier: Apache-2.0
// Submitting and deleting, against an API server that keeps objects.
#include "mpijob/objects/submit_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mpijob/client/api_error.hpp"
#include "mpijob/objects/delete_job.hpp"
#include "tests/unit/mpijob/objects/fake_api_server.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Key;
using testing::UnorderedElementsAre;

ordered_json object_of(const std::string& version, const std::string& kind,
                       const std::string& name) {
  return {{"apiVersion", version},
          {"kind", kind},
          {"metadata",
           {{"name", name},
            {"labels",
             {{"app.kubernetes.io/managed-by", "ringtrain"},
              {"app.kubernetes.io/instance", "mnist"}}}}}};
}

std::vector<ordered_json> mnist() {
  std::vector<ordered_json> objects = {object_of("v1", "ConfigMap", "mnist-job"),
                                       object_of("v1", "ServiceAccount", "ringtrain"),
                                       object_of("v1", "PersistentVolumeClaim", "data"),
                                       object_of("kubeflow.org/v2beta1", "MPIJob", "mnist")};
  objects[0]["data"]["job.yaml"] = "new";
  return objects;
}

class SubmitJob : public testing::Test {
 protected:
  void submit() {
    ApiClient client = server_.client();
    submit_job(client, mnist());
  }
  // Returns the refusal's line; empty if there was none.
  std::string refusal(long status) {
    try {
      submit();
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), status);
      return error.what();
    }
    return "";
  }

  FakeApiServer server_;
};

TEST_F(SubmitJob, MakesAllObjectsAndGivesThemToTheJobButNotItsData) {
  submit();
  auto objects = server_.objects();
  EXPECT_THAT(objects,
              UnorderedElementsAre(Key("configmaps/mnist-job"), Key("serviceaccounts/ringtrain"),
                                   Key("persistentvolumeclaims/data"), Key("mpijobs/mnist")));
  const json owner = objects["configmaps/mnist-job"]["metadata"]["ownerReferences"][0];
  EXPECT_EQ(owner["kind"], "MPIJob");
  EXPECT_EQ(owner["name"], "mnist");
  EXPECT_EQ(owner["uid"], "uid of mpijobs/mnist");
  EXPECT_FALSE(objects["persistentvolumeclaims/data"]["metadata"].contains("ownerReferences"));
}

TEST_F(SubmitJob, LeavesNothingIfTheJobIsRefused) {
  server_.refuse("mpijobs");
  EXPECT_NE(refusal(403), "");
  EXPECT_TRUE(server_.objects().empty());
}

TEST_F(SubmitJob, ReplacesTheConfigMapOfAnEarlierJob) {
  json left = object_of("v1", "ConfigMap", "mnist-job");
  left["data"]["job.yaml"] = "old";
  server_.put("configmaps/mnist-job", left);
  submit();
  EXPECT_EQ(server_.objects()["configmaps/mnist-job"]["data"]["job.yaml"], "new");
}

TEST_F(SubmitJob, UsesAServiceAccountOfSomebodyElseAsItIs) {
  const json theirs = {{"metadata", {{"name", "ringtrain"}}}};
  server_.put("serviceaccounts/ringtrain", theirs);
  submit();
  EXPECT_EQ(server_.objects()["serviceaccounts/ringtrain"], theirs);
}

TEST_F(SubmitJob, RefusesToReplaceAConfigMapOfSomebodyElse) {
  const json theirs = {{"metadata", {{"name", "mnist-job"}}}};
  server_.put("configmaps/mnist-job", theirs);
  EXPECT_THAT(refusal(409), HasSubstr("choose another name for the job"));
  EXPECT_THAT(server_.objects(), UnorderedElementsAre(Key("configmaps/mnist-job")));
  EXPECT_EQ(server_.objects()["configmaps/mnist-job"], theirs);
}

TEST_F(SubmitJob, RefusesASecondJobOfTheSameNameAndTouchesNothing) {
  submit();
  const auto before = server_.objects();
  EXPECT_THAT(refusal(409), HasSubstr("there is a job mnist"));
  EXPECT_EQ(server_.objects(), before);
}

TEST(SubmitJobDeathTest, NeedsAnMpiJobAmongTheObjects) {
  Access nowhere;
  nowhere.server = "https://127.0.0.1:1";
  ApiClient client(nowhere);
  EXPECT_DEATH(submit_job(client, {object_of("v1", "ConfigMap", "mnist-job")}), "invariant broken");
}

using DeleteJob = SubmitJob;

TEST_F(DeleteJob, RemovesTheJobAndWhatBelongsToItButNotItsData) {
  submit();
  ApiClient client = server_.client();
  delete_job(client, "mnist", {});
  EXPECT_THAT(server_.objects(), UnorderedElementsAre(Key("persistentvolumeclaims/data")));
}

TEST_F(DeleteJob, RefusesAJobThatDoesNotExist) {
  ApiClient client = server_.client();
  try {
    delete_job(client, "mnist", {});
    FAIL() << "there is nothing to delete";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 404);
    EXPECT_THAT(error.what(), HasSubstr("mnist"));
  }
}

}  // namespace
}  // namespace ringtrain::mpijob
