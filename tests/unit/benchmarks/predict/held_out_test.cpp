// SPDX-License-Identifier: Apache-2.0
// The plan of our own held-out runs. They are not measured yet: more than 2 ranks need emulated
// computation.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/file.hpp"

namespace ringtrain::benchmarks {
namespace {

TEST(HeldOutPlan, JudgesByOtherRunsThanItFits) {
  const auto json =
      nlohmann::json::parse(read_file(SOURCE_FOLDER "/benchmarks/results/held_out.json"));
  ASSERT_GE(json.at("held_out").size(), 18U);
  std::set<std::string> fitted;
  for (const auto& point : json.at("fit")) {
    fitted.insert(point.at("model").get<std::string>());
    EXPECT_LE(point.at("hosts").get<int>(), 2);
  }
  EXPECT_EQ(fitted, (std::set<std::string>{"lenet5", "mlp"}));
  std::set<std::string> all;
  for (const auto& point : json.at("held_out")) {
    const bool is_of_another_model = !fitted.contains(point.at("model").get<std::string>());
    EXPECT_TRUE(is_of_another_model || point.at("hosts").get<int>() > 2) << point;
    EXPECT_TRUE(all.insert(point.dump()).second) << "twice: " << point;
  }
}

}  // namespace
}  // namespace ringtrain::benchmarks
