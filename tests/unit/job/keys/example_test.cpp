// SPDX-License-Identifier: Apache-2.0
// Refusals of a word where a group of keys belongs, which show what to write.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "job/document.hpp"
#include "job/keys/check.hpp"
#include "job/keys/job_keys.hpp"
#include "job/parse.hpp"
#include "job/yaml.hpp"
#include "tests/unit/job/refusal.hpp"

namespace ringtrain {
namespace {

using testing::EndsWith;

std::string refused(const std::string& more, const std::vector<std::string>& overrides = {}) {
  return refusal(
      [&] { parse_job_text("model: lenet\ndataset: mnist.h5\n" + more, "f.yaml", overrides); });
}

void for_each_group(const Key& key, const std::function<void(const Key&)>& visit) {
  if (key.type == Key::Type::group) visit(key);
  for (const Key& inner : key.keys) for_each_group(inner, visit);
  for (const Key& inner : key.element) for_each_group(inner, visit);
}

TEST(ExampleOfAGroup, IsShownWhereAWordStandsInItsPlace) {
  EXPECT_THAT(refused("schedule: cosine\n"),
              EndsWith(", as in 'schedule: {type: cosine, warmup_epochs: 1}'"));
  EXPECT_THAT(refused("workers: 4\n"), EndsWith("found 4, as in 'workers: {min: 2, max: 4}'"));
  EXPECT_THAT(refused("", {"optimizer=adam"}),
              EndsWith(", as in --set 'optimizer={type: adamw, learning_rate: 0.001}'"));
}

TEST(ExampleOfAGroup, IsShownForListsAndMapsToo) {
  EXPECT_THAT(refused("kubernetes: {volumes: data}\n"),
              EndsWith(", as in 'volumes: [{mount: /data, claim: mnist}]'"));
  EXPECT_THAT(refused("kubernetes: {volumes: [data]}\n"),
              EndsWith(", as in '- {mount: /data, claim: mnist}'"));
  EXPECT_THAT(refused("kubernetes: {env: DEBUG}\n"), EndsWith(", as in 'env: {NAME: value}'"));
}

TEST(ExampleOfAGroup, IsThereForEveryGroupAndIsAccepted) {
  for_each_group(job_keys(), [](const Key& group) {
    ASSERT_FALSE(group.example.empty()) << group.name << ": " << group.text;
    EXPECT_EQ(refusal([&] {
                check_document(parse_yaml(fmt::format("{{{}}}", group.example), group.name), group);
              }),
              "");
  });
}

}  // namespace
}  // namespace ringtrain
