// SPDX-License-Identifier: Apache-2.0
#include "job/keys/schema.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "job/json.hpp"
#include "job/keys/check.hpp"
#include "tests/unit/job/refusal.hpp"
#include "tests/unit/job/unusual_job.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

json schema() { return json::parse(job_schema()); }

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
  job.script = ScriptSpec{};
  job.kubernetes = KubernetesSpec{};
  job.kubernetes->fetch = FetchSpec{};
  expect_defaults(schema(), job_to_json(job), "");
}

// Judges documents by the printed schema and by the keys' own check, which must agree.
class TwoJudges {
 public:
  TwoJudges() {
    const json text = schema();
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(text), schema_);
  }

  // Returns whether the schema accepts the document.
  bool accept(const json& value) {
    const std::string refused = refusal([&] {
      check_document({value, {{"", "job.yaml"}}}, job_keys());
    });
    const bool accepted =
        valijson::Validator(valijson::Validator::kStrongTypes)
            .validate(schema_, valijson::adapters::NlohmannJsonAdapter(value), nullptr);
    EXPECT_EQ(refused.empty(), accepted) << value.dump().substr(0, 1000) << "\n" << refused;
    ++(accepted ? accepted_ : refused_);
    return accepted;
  }

  int accepted() const { return accepted_; }
  int refused() const { return refused_; }

 private:
  valijson::Schema schema_;
  int accepted_ = 0;
  int refused_ = 0;
};

std::string euros(size_t count) {
  std::string text;
  while (count-- > 0) text += "\xe2\x82\xac";
  return text;
}

// Values at the limits that keys have, and of every type. Only short texts of letters: std::regex
// recurses over the characters that a pattern takes.
std::vector<json> values() {
  std::vector<json> values = {nullptr,
                              true,
                              json::array(),
                              json::object(),
                              json{{"key", "text"}},
                              json{{"size", "1Gi"}},
                              json{{"claim", "a"}, {"mount", "/a"}},
                              json{{"server", "a"}, {"path", "/a"}}};
  for (const double number : {-0.5, 0.5, 1.5, 2.5, 0.0625, 1e30, 1.1e30}) values.push_back(number);
  for (const int64_t limit :
       {0L, 1L, 3L, 10L, 64L, 1000L, 1024L, 65536L, 86400L, 100000L, 1000000L, 1048576L, 16777216L,
        31536000L, 2147483647L, 1000000000000L, 9007199254740991L}) {
    for (const int64_t number : {limit - 1, limit, limit + 1}) values.push_back(number);
  }
  for (const size_t limit : {0U, 32U, 63U, 253U, 316U, 317U}) {
    values.push_back(std::string(limit, 'x'));
    values.push_back(std::string(limit + 1, 'x'));
    values.push_back(std::string(limit, '1') + "Gi");
  }
  for (const size_t limit : {63U, 253U, 1024U, 4096U, 32768U}) {
    values.push_back(euros(limit));
    values.push_back(euros(limit + 1));
    values.push_back("/" + euros(limit - 1));
    values.push_back("/" + euros(limit));
  }
  for (const char* text : {"-x",
                           "x-",
                           "a b",
                           "64Gi",
                           "1.5Gi",
                           "Gi",
                           "nvidia.com/gpu",
                           "/data",
                           "https://host/a",
                           "auto",
                           "sgd",
                           "cosine",
                           "mpi",
                           "ring",
                           "bf16",
                           "cuda",
                           "volcano",
                           "all",
                           "Always",
                           "Equal",
                           "NoExecute"}) {
    values.push_back(text);
  }
  for (const size_t limit : {16U, 64U, 1024U, 4096U}) {
    values.push_back(std::vector<int>(limit, 1));
    values.push_back(std::vector<int>(limit + 1, 1));
    values.push_back(std::vector<std::string>(limit, "/x"));
    values.push_back(std::vector<std::string>(limit + 1, "/x"));
  }
  values.push_back({"x"});
  values.push_back({-1});
  return values;
}

// Documents that hold the required keys and one other each, so that each is judged fast.
std::vector<json> documents() {
  const json whole = job_to_json(unusual_job());
  const json required = {{"model", "lenet"}, {"dataset", "d.h5"}};
  std::vector<json> documents;
  for (const auto& [name, value] : whole.items()) {
    if (name == "kubernetes" || name == "script") continue;
    documents.push_back(required);
    documents.back()[name] = value;
  }
  for (const auto& [name, value] : whole["script"].items()) {
    documents.push_back({{"script", {{"module", "train"}}}});
    documents.back()["script"][name] = value;
  }
  documents.push_back({{"script", {{"file", "train.py"}}}, {"epochs", 3}});
  for (const auto& [name, value] : whole["kubernetes"].items()) {
    documents.push_back(required);
    documents.back()["kubernetes"][name] = value;
  }
  return documents;
}

void collect_pointers(const json& value, const json::json_pointer& here,
                      std::vector<json::json_pointer>& pointers) {
  pointers.push_back(here);
  if (value.is_object()) {
    for (const auto& [name, child] : value.items()) collect_pointers(child, here / name, pointers);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) collect_pointers(value[i], here / i, pointers);
  }
}

// Judges the document with each of its values replaced by each of `others`, or left out, and with a
// key that nobody knows.
void judge_changes(const json& document, const std::vector<json>& others, TwoJudges& judges) {
  std::vector<json::json_pointer> pointers;
  collect_pointers(document, json::json_pointer(), pointers);
  for (const json::json_pointer& pointer : pointers) {
    for (const json& other : others) {
      json changed = document;
      changed[pointer] = other;
      judges.accept(changed);
    }
    if (document[pointer].is_object()) {
      json changed = document;
      changed[pointer]["unknown"] = 1;
      judges.accept(changed);
    }
    if (pointer.empty() || !document[pointer.parent_pointer()].is_object()) continue;
    json changed = document;
    changed[pointer.parent_pointer()].erase(pointer.back());
    judges.accept(changed);
  }
}

TEST(Schema, TakesAModelOrAScriptAndNotBoth) {
  TwoJudges judges;
  const json script = {{"file", "train.py"}};
  EXPECT_TRUE(judges.accept({{"script", script}}));
  EXPECT_TRUE(judges.accept({{"model", "lenet"}, {"dataset", "d.h5"}}));
  EXPECT_FALSE(judges.accept(json::object()));
  EXPECT_FALSE(judges.accept({{"model", "lenet"}}));
  EXPECT_FALSE(judges.accept({{"script", script}, {"model", "lenet"}}));
  EXPECT_FALSE(judges.accept({{"script", script}, {"dataset", "d.h5"}}));
  EXPECT_FALSE(judges.accept({{"script", script}, {"model", "lenet"}, {"dataset", "d.h5"}}));
  EXPECT_FALSE(judges.accept({{"script", {{"file", "a.py"}, {"module", "a"}}}}));
  EXPECT_FALSE(judges.accept({{"script", {{"args", json::array()}}}}));
}

TEST(Schema, AcceptsTheDocumentsThatTheCheckAccepts) {
  TwoJudges judges;
  const std::vector<json> others = values();
  for (const json& document : documents()) {
    EXPECT_TRUE(judges.accept(document)) << document;
    judge_changes(document, others, judges);
  }
  EXPECT_GT(judges.accepted(), 1000);
  EXPECT_GT(judges.refused(), 10000);
}

}  // namespace
}  // namespace ringtrain
