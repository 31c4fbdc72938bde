// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mpijob/client/json_path.hpp"
#include "mpijob/operator/reconcile.hpp"
#include "tests/unit/mpijob/operator/sample_resource.hpp"

namespace ringtrain::mpijob {

// A cluster that carries out plans, as far as one resource needs one.
class PretendedCluster : public testing::Test {
 protected:
  PretendedCluster() {
    seen_.resource = sample_resource();
    seen_.now = noon();
  }

  Plan step() {
    Plan plan = reconcile(seen_, settings_);
    if (!plan.finalizers.is_null()) seen_.resource["metadata"]["finalizers"] = plan.finalizers;
    if (!plan.status.is_null()) {
      if (!seen_.resource.contains("status")) seen_.resource["status"] = nlohmann::json::object();
      seen_.resource["status"].merge_patch(plan.status);
    }
    for (const auto& object : plan.create) make(object);
    for (const auto& object : plan.submit) make(object);
    return plan;
  }

  void make(const nlohmann::json& object) {
    if (object["kind"] == "Job") seen_.jobs.push_back(object);
    if (object["kind"] == "ConfigMap") seen_.config_maps.push_back(object);
    if (object["kind"] == "MPIJob") seen_.mpijob = object;
  }

  nlohmann::json& job(const std::string& name) {
    for (nlohmann::json& one : seen_.jobs) {
      if (name_of(one) == name) return one;
    }
    ADD_FAILURE() << "no Job " << name;
    return seen_.jobs.emplace_back();
  }

  static void end(nlohmann::json& object, const char* type, const char* message = "") {
    object["status"]["conditions"] = {{{"type", type}, {"status", "True"}, {"message", message}}};
  }

  // A pod of a step that has ended.
  nlohmann::json& add_pod(const std::string& of, int exit_code, const std::string& message) {
    const nlohmann::json terminated = {{"exitCode", exit_code}, {"message", message}};
    return seen_.pods.emplace_back(nlohmann::json{
        {"metadata",
         {{"name", of + "-x"},
          {"labels", {{"job-name", of}, {kResourceLabel, "example"}}},
          {"creationTimestamp", "2026-11-28T11:00:00Z"}}},
        {"status",
         {{"phase", exit_code == 0 ? "Succeeded" : "Failed"},
          {"containerStatuses", {{{"name", "c"}, {"state", {{"terminated", terminated}}}}}}}}});
  }

  // Brings the resource to where its MPIJob has been created.
  void reach_training() {
    step();
    end(job("examplebuildmodel"), "Complete");
    step();
    end(job("examplesplitdata"), "Complete");
    add_pod("examplesplitdata", 0, R"({"model": "/data/model.pt", "train_rows": 50000})");
    step();
    ASSERT_TRUE(seen_.mpijob.is_object());
    end(seen_.mpijob, "Created");
  }

  std::string status(const char* key) const { return look_text(seen_.resource, {"status", key}); }
  std::vector<std::string> jobs() const {
    std::vector<std::string> names;
    for (const nlohmann::json& one : seen_.jobs) names.push_back(name_of(one));
    return names;
  }

  ObservedResource seen_;
  OperatorSettings settings_;
};

}  // namespace ringtrain::mpijob
