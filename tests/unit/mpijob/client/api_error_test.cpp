// SPDX-License-Identifier: Apache-2.0
// The bodies are what a Kubernetes 1.35 API server answers.
#include "mpijob/client/api_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::mpijob {
namespace {

using testing::HasSubstr;
using testing::Not;

ApiError refusal(const Action& action, long status, const std::string& body) {
  return explain_refusal(action, status, body);
}

TEST(ApiError, AMissingRightNamesVerbResourceAndNamespace) {
  const ApiError error =
      refusal({"create", mpi_jobs, "lab", "mnist"}, 403,
              R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
        "message":"mpijobs.kubeflow.org is forbidden: User )"
              R"(\"system:serviceaccount:lab:weak\" cannot create resource \"mpijobs\" in API )"
              R"(group \"kubeflow.org\" in the namespace \"lab\"","reason":"Forbidden",
        "details":{"group":"kubeflow.org","kind":"mpijobs"},"code":403})");
  EXPECT_EQ(error.status(), 403);
  EXPECT_STREQ(
      error.what(),
      "forbidden: system:serviceaccount:lab:weak cannot create MPIJob mnist in namespace lab: "
      "it needs a Role with verb create on mpijobs.kubeflow.org; ask the namespace's "
      "administrator for the role of the ringtrain chart");
}

TEST(ApiError, AQuotaIsNoMissingRight) {
  const ApiError error =
      refusal({"create", config_maps, "lab", "mnist"}, 403,
              R"({"kind":"Status","status":"Failure",
        "message":"configmaps \"mnist\" is forbidden: exceeded quota: small, requested: )"
              R"(count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1",
        "reason":"Forbidden","details":{"name":"mnist","kind":"configmaps"},"code":403})");
  EXPECT_THAT(error.what(), HasSubstr("exceeded quota: small"));
  EXPECT_THAT(error.what(), Not(HasSubstr("needs a Role")));
}

TEST(ApiError, AMissingOperatorIsNotAMissingJob) {
  const ApiError no_operator = refusal({"list", mpi_jobs, "lab", ""}, 404, "404 page not found\n");
  EXPECT_THAT(no_operator.what(), HasSubstr("install the Kubeflow MPI operator"));

  const ApiError no_job = refusal({"get", mpi_jobs, "lab", "mnist"}, 404,
                                  R"({"kind":"Status","status":"Failure",
        "message":"mpijobs.kubeflow.org \"mnist\" not found","reason":"NotFound",
        "details":{"name":"mnist","group":"kubeflow.org","kind":"mpijobs"},"code":404})");
  EXPECT_STREQ(no_job.what(),
               "MPIJob mnist in namespace lab not found: 'ringtrain jobs' lists the jobs of the "
               "namespace");
}

TEST(ApiError, AMissingNamespaceIsNamed) {
  const ApiError error =
      refusal({"create", config_maps, "lab", "mnist"}, 404,
              R"({"kind":"Status","status":"Failure","message":"namespaces \"lab\" not found",
        "reason":"NotFound","details":{"name":"lab","kind":"namespaces"},"code":404})");
  EXPECT_THAT(error.what(), HasSubstr("namespace lab not found: create it"));
}

TEST(ApiError, ConflictsSayWithWhat) {
  const Action action{"create", mpi_jobs, "lab", "mnist"};
  EXPECT_THAT(refusal(action, 409,
                      R"({"kind":"Status","message":"mpijobs.kubeflow.org \"mnist\" already exists",
        "reason":"AlreadyExists","code":409})")
                  .what(),
              HasSubstr("MPIJob mnist in namespace lab already exists"));
  EXPECT_THAT(
      refusal(action, 409,
              R"({"kind":"Status","message":"Operation cannot be fulfilled","reason":"Conflict",
        "code":409})")
          .what(),
      HasSubstr("changed by another client at the same time: Operation cannot be fulfilled"));
}

TEST(ApiError, AnInvalidObjectNamesItsFields) {
  const ApiError error = refusal({"create", mpi_jobs, "lab", "mnist"}, 422,
                                 R"({"kind":"Status",
        "message":"MPIJob.kubeflow.org \"mnist\" is invalid: spec.slotsPerWorker: )"
                                 R"(Invalid value","reason":"Invalid",
        "details":{"causes":[{"reason":"FieldValueInvalid",
        "message":"Invalid value: \"x\": must be of type integer",
        "field":"spec.slotsPerWorker"}]},"code":422})");
  EXPECT_STREQ(error.what(),
               "MPIJob mnist in namespace lab is invalid: spec.slotsPerWorker: Invalid value: "
               "\"x\": must be of type integer");
}

TEST(ApiError, WhateverComesIsOneLineOfBoundedLength) {
  const std::string line =
      refusal({"list", pods, "lab", ""}, 500, std::string(100'000, 'x') + "\nmore").what();
  EXPECT_LT(line.size(), 700u);
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(refusal({"list", pods, "lab", ""}, 401, "[1,2").what(), HasSubstr("log in"));
}

}  // namespace
}  // namespace ringtrain::mpijob
