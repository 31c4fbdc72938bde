// SPDX-License-Identifier: Apache-2.0
#include "job/result_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

Result unusual() {
  Result result;
  result.name = "odd";
  result.status = "finished";
  result.ranks = 2;
  result.placement = {{0, "n1", "cpu"}, {1, "n2", "cuda:0"}};
  result.device = "cpu";
  result.precision = "fp32";
  result.communication = "mpi";
  result.epochs = 3;
  result.steps = 30;
  result.skipped_steps = 1;
  result.rollbacks = 2;
  result.resumed_from_step = 10;
  result.samples_seen = 18446744073709551615U;
  result.train_loss = 0.1 + 0.2;
  result.test_loss = 1.0 / 3;
  result.test_accuracy = 0.97;
  result.test_rmse = {1.5, 1.0 / 3};
  result.test_mae = {0.5, 0.25};
  result.samples_per_second = 1234.5;
  result.seconds = {1, 2, 3, 4, 5, 6, 7};
  result.slowest = RankSpeed{1, "n2", 0.2, 0.1};
  result.order_hash = "0123456789abcdef";
  result.model = "runs/odd/model.safetensors";
  result.recovery = RecoverySummary{1, 4.5, 10, 1280, {"rank 1 was lost"}};
  return result;
}

TEST(ResultFile, HasEveryKeyOnItsPage) {
  const auto page = read_file(std::filesystem::path(JOB_REFERENCE).parent_path() / "result.md");
  const auto values = result_to_json(unusual()).flatten();
  for (const auto& [key, value] : values.items()) {
    std::istringstream parts(key.substr(1));
    for (std::string part; std::getline(parts, part, '/');) {
      if (part.find_first_not_of("0123456789") == std::string::npos) continue;  // of a list
      EXPECT_TRUE(page.find("`" + part + "`") != std::string::npos ||
                  page.find("\"" + part + "\"") != std::string::npos)
          << part;
    }
  }
}

TEST(ResultFile, ComesBackAsItWas) {
  const TemporaryDirectory folder;
  write_result(folder.path() / "result.json", unusual());
  EXPECT_EQ(read_result(folder.path() / "result.json"), unusual());
  EXPECT_EQ(parse_result(print_result(Result{})), Result{});
}

// A key that the writer or the reader forgets cannot hide behind its default.
TEST(ResultFile, HoldsEveryMember) {
  const auto odd = result_to_json(unusual()).flatten();
  const auto plain = result_to_json(Result{}).flatten();
  for (const auto& [key, value] : plain.items()) {
    if (key == "/version" || !odd.contains(key)) continue;
    EXPECT_NE(odd[key], value) << key;
  }
  EXPECT_FALSE(result_to_json(Result{}).contains("recovery"));
}

TEST(ResultFile, OfEarlierVersionsIsRead) {
  const auto result = parse_result(R"({"name": "a", "steps": 3, "train_loss": null, "more": 1})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->steps, 3);
  EXPECT_TRUE(std::isnan(result->train_loss));
}

// Training that diverges leaves errors that are no numbers; JSON has none for them.
TEST(ResultFile, ErrorsThatAreNotFiniteAreRead) {
  Result result;
  result.test_rmse = {1, std::nan("")};
  const auto read = parse_result(print_result(result));
  ASSERT_TRUE(read && read->test_rmse);
  EXPECT_EQ(read->test_rmse->at(0), 1);
  EXPECT_TRUE(std::isnan(read->test_rmse->at(1)));
  EXPECT_FALSE(read->test_mae);
}

TEST(ResultFile, ThatIsBrokenOrNewerCountsAsMissing) {
  const TemporaryDirectory folder;
  EXPECT_FALSE(read_result(folder.path() / "result.json"));
  for (const char* text : {"", "{", "[]", R"({"version": 2})", R"({"steps": "many"})"}) {
    EXPECT_FALSE(parse_result(text)) << text;
  }
}

}  // namespace
}  // namespace ringtrain
