// SPDX-License-Identifier: Apache-2.0
#include "job/keys/idle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job/keys/job_keys.hpp"
#include "job/parse.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The first of the lines is line 3.
std::vector<std::string> notes(const std::string& more,
                               const std::vector<std::string>& overrides = {}) {
  std::vector<std::string> notes;
  parse_job_text("model: lenet\ndataset: mnist.h5\n" + more, "f.yaml", overrides, &notes);
  return notes;
}

const Key& key_at(const Key& root, const std::string& path) {
  const auto dot = path.find('.');
  for (const Key& key : root.keys) {
    if (key.name != path.substr(0, dot)) continue;
    return dot == std::string::npos ? key : key_at(key, path.substr(dot + 1));
  }
  throw std::out_of_range(path);
}

void collect_idle(const Key& group, std::vector<Idle>& rules) {
  for (const Key& key : group.keys) {
    if (!key.rules.idle.where.empty()) rules.push_back(key.rules.idle);
    collect_idle(key, rules);
  }
}

TEST(IdleKeys, AreNamedWithTheirLineAndTheReason) {
  EXPECT_THAT(
      notes("optimizer:\n  type: adamw\n  momentum: 0.9\n"),
      ElementsAre("f.yaml:5: optimizer.momentum: has no effect, as optimizer.type is adamw"));
  EXPECT_THAT(notes("optimizer: {beta1: 0.8}\n"),
              ElementsAre("f.yaml:3: optimizer.beta1: has no effect, as optimizer.type is sgd"));
  EXPECT_THAT(notes("rollback: {window: 9}\n"),
              ElementsAre("f.yaml:3: rollback.window: has no effect, as rollback.factor is 0"));
}

TEST(IdleKeys, AreNamedWithTheOverrideThatBroughtThemIn) {
  EXPECT_THAT(notes("", {"schedule.gamma=0.5"}),
              ElementsAre("--set schedule.gamma: has no effect, as schedule.type is constant"));
}

TEST(IdleKeys, AreNoneInAJobWhoseKeysAllHaveAnEffect) {
  EXPECT_THAT(notes("optimizer: {type: adamw, beta1: 0.8}\nschedule: {type: cosine}\n"
                    "rollback: {factor: 3, window: 9}\n"),
              IsEmpty());
}

TEST(IdleKeys, AreNotInAJobThatIsPrintedWhole) {
  JobSpec job;
  job.model = "lenet";
  job.dataset = "mnist.h5";
  job.name = "a";
  job.output = "runs/a";
  job.optimizer.type = OptimizerSpec::Type::adamw;
  const std::string text = print_job_file(job);
  EXPECT_THAT(text, Not(HasSubstr("momentum")));
  EXPECT_THAT(text, HasSubstr("beta1"));
  std::vector<std::string> notes;
  EXPECT_EQ(parse_job_text(text, "f.yaml", {}, &notes), job);
  EXPECT_THAT(notes, IsEmpty());
}

TEST(IdleKeys, DependOnValuesThatTheOtherKeyCanHave) {
  std::vector<Idle> rules;
  collect_idle(job_keys(), rules);
  EXPECT_GT(rules.size(), 10U);
  for (const Idle& idle : rules) {
    const Key& other = key_at(job_keys(), idle.where);
    for (const auto& value : idle.is) {
      if (!value.is_string()) continue;
      EXPECT_THAT(other.rules.one_of, testing::Contains(value.get<std::string>())) << idle.where;
    }
  }
}

}  // namespace
}  // namespace ringtrain
