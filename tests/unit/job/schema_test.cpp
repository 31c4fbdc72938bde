// SPDX-License-Identifier: Apache-2.0
#include "job/schema.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "job/json.hpp"
#include "job/models.hpp"
#include "job/parse.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

json schema() { return json::parse(job_schema()); }

// Paths of all keys, groups included.
void collect(const json& node, const std::string& path, std::set<std::string>& keys) {
  for (const auto& [name, child] : node["properties"].items()) {
    const std::string here = path + "/" + name;
    keys.insert(here);
    if (child.contains("properties")) collect(child, here, keys);
  }
}

void collect_values(const json& value, const std::string& path, std::set<std::string>& keys) {
  for (const auto& [name, child] : value.items()) {
    const std::string here = path + "/" + name;
    keys.insert(here);
    if (child.is_object()) collect_values(child, here, keys);
  }
}

TEST(Schema, HasEveryKeyOfJobSpec) {
  std::set<std::string> described;
  collect(schema(), "", described);

  JobSpec job;
  job.max_steps = 1;
  job.initialize_from = "x";
  job.kubernetes = KubernetesSpec{};
  job.kubernetes->ttl_seconds = 1;
  job.kubernetes->deadline_seconds = 1;
  job.kubernetes->fetch = FetchSpec{};
  std::set<std::string> known;
  collect_values(job_to_json(job), "", known);
  EXPECT_EQ(described, known);
}

void expect_described(const json& node, const std::string& path) {
  for (const auto& [name, child] : node["properties"].items()) {
    const std::string here = path + "." + name;
    EXPECT_GT(child.value("description", "").size(), 5U) << here;
    EXPECT_TRUE(child.contains("type")) << here;
    if (child.contains("properties")) {
      EXPECT_EQ(child.value("additionalProperties", true), false) << here;
      expect_described(child, here);
    }
    if (child.contains("items") && child["items"].contains("properties")) {
      expect_described(child["items"], here + "[]");
    }
  }
}

TEST(Schema, DescribesEveryKeyAndAllowsNoOther) { expect_described(schema(), ""); }

void expect_defaults(const json& node, const json& value, const std::string& path) {
  for (const auto& [name, child] : node["properties"].items()) {
    const std::string here = path + "." + name;
    if (child.contains("properties")) {
      expect_defaults(child, value[name], here);
    } else if (child.contains("default")) {
      EXPECT_EQ(child["default"], value[name]) << here;
    }
  }
}

TEST(Schema, NamesTheDefaultsOfJobSpec) {
  JobSpec job;
  job.kubernetes = KubernetesSpec{};
  job.kubernetes->fetch = FetchSpec{};
  expect_defaults(schema(), job_to_json(job), "");
}

TEST(Schema, NamesTheModelsOfTheZoo) {
  const auto description = schema()["properties"]["model"]["description"].get<std::string>();
  EXPECT_NE(description.find(zoo_model_list()), std::string::npos);
}

}  // namespace
}  // namespace ringtrain
