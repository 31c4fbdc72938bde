// SPDX-License-Identifier: Apache-2.0
#include "mpijob/objects/print_yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

TEST(PrintYaml, KeepsEveryTextAsItIs) {
  for (const std::string text :
       {"plain",   "true",       "No",      "1",           "1e3",  "",         " x",
        "a: b",    "#c",         "/data",   "a\nb\n",      "a\nb", "  a\nb\n", "a\n\n",
        "tab\t\n", "\xC3\xA4\n", "quote\"", "back\\slash", "-",    "~",        "*a"}) {
    const std::string yaml = print_yaml({ordered_json{{"key", text}}});
    const YAML::Node node = YAML::Load(yaml);
    EXPECT_EQ(node["key"].as<std::string>(), text) << yaml;
  }
}

TEST(PrintYaml, QuotesWhatWouldBeANumberOrATruthValue) {
  const ordered_json object = {{"a", "true"}, {"b", "2"}, {"c", true}, {"d", 2}, {"e", "name-1"}};
  EXPECT_EQ(print_yaml({object}), "a: \"true\"\nb: \"2\"\nc: true\nd: 2\ne: name-1\n");
}

TEST(PrintYaml, WritesJobFilesAsBlocksAndCommandsOnALine) {
  const ordered_json object = {{"kind", "ConfigMap"},
                               {"list", {{{"name", "a"}, {"items", {1, 2, 3}}}, {{"name", "b"}}}},
                               {"data", {{"job.yaml", "model: lenet  # small\nepochs: 1\n"}}},
                               {"command", {"ringtrain", "run", "job"}},
                               {"empty", ordered_json::object()}};
  const std::string yaml = print_yaml({object});
  EXPECT_THAT(yaml, HasSubstr("  job.yaml: |\n    model: lenet  # small\n    epochs: 1\n"));
  EXPECT_THAT(yaml, HasSubstr("command: [ringtrain, run, job]\n"));
  EXPECT_THAT(yaml, HasSubstr("list:\n- name: a\n  items: [1, 2, 3]\n- name: b\n"));
  EXPECT_THAT(yaml, HasSubstr("empty: {}\n"));
  EXPECT_THAT(yaml, HasSubstr("  # Launcher and ranks read it"));
}

TEST(PrintYaml, SeparatesDocuments) {
  const ordered_json first = {{"a", 1}};
  const ordered_json second = {{"b", 2}};
  EXPECT_EQ(print_yaml({first, second}), "a: 1\n---\nb: 2\n");
}

}  // namespace
}  // namespace ringtrain::mpijob
