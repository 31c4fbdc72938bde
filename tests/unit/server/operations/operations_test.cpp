// SPDX-License-Identifier: Apache-2.0
#include "server/operations/operations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::ElementsAre;

// Ends, fails or stays as its request says.
class Scripted : public Task {
 public:
  explicit Scripted(std::string how) : how_(std::move(how)) {}
  Look look() override {
    if (how_ == "fails") throw data_error("it is damaged");
    return {how_ == "ends", "working", 0.5};
  }

 private:
  const std::string how_;
};

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() { open(); }
  void open() {
    operations_.reset();
    operations_.emplace(folder_ / "operations", [this](const ordered_json& one) {
      states_.push_back(one.value("state", ""));
    });
    operations_->add_kind("test", [](const OperationRecord& record, const fs::path& work) {
      write_file(work / "half", "");
      return std::make_unique<Scripted>(ordered_json::parse(record.request).value("how", ""));
    });
  }
  std::string begin(const std::string& how) {
    return operations_->begin("test", "/x/" + how, {{"how", how}}, "owner").at("id");
  }
  ordered_json after_ticks(const std::string& id, int ticks = 1) {
    for (int i = 0; i < ticks; ++i) operations_->tick();
    return operations_->get(id);
  }
  bool has_work(const std::string& id) { return fs::exists(folder_ / "operations" / id / "work"); }

  const TemporaryDirectory folder_;
  std::vector<std::string> states_;
  std::optional<Operations> operations_;
};

TEST_F(OperationsTest, EndWellOrSayWhyNotAndLeaveNothing) {
  const std::string good = begin("ends");
  const std::string bad = begin("fails");
  EXPECT_TRUE(operations_->is_under_way("/x/ends"));
  EXPECT_EQ(after_ticks(good, 2).at("state"), "Succeeded");
  const ordered_json failed = operations_->get(bad);
  EXPECT_EQ(failed.at("state"), "Failed");
  EXPECT_EQ(failed.at("error"), "it is damaged");
  EXPECT_FALSE(operations_->is_under_way("/x/ends"));
  EXPECT_FALSE(has_work(good) || has_work(bad));
}

TEST_F(OperationsTest, RunOneAfterTheOther) {
  const std::string first = begin("stays");
  const std::string second = begin("ends");
  EXPECT_EQ(after_ticks(second, 3).at("state"), "Waiting");
  EXPECT_EQ(operations_->get(first).at("step"), "working");
  EXPECT_EQ(operations_->cancel(first).at("state"), "Cancelled");
  EXPECT_FALSE(has_work(first));
  EXPECT_EQ(after_ticks(second).at("state"), "Succeeded");
  EXPECT_EQ(status_of_refusal([&] { operations_->cancel(first); }), 409);
  EXPECT_EQ(status_of_refusal([&] { operations_->cancel("none"); }), 404);
}

TEST_F(OperationsTest, BeginAnewAfterTheServersDeath) {
  const std::string id = begin("stays");
  EXPECT_EQ(after_ticks(id).at("state"), "Running");
  open();
  EXPECT_EQ(operations_->get(id).at("state"), "Waiting");
  EXPECT_FALSE(has_work(id));
  EXPECT_EQ(after_ticks(id).at("state"), "Running");
}

TEST_F(OperationsTest, GiveUpWhatEndsTheServerAgainAndAgain) {
  const std::string id = begin("stays");
  for (int start = 0; start < 3; ++start) {
    EXPECT_EQ(after_ticks(id).at("state"), "Running");
    open();
  }
  EXPECT_EQ(after_ticks(id).at("state"), "Failed");
}

TEST_F(OperationsTest, AreForgottenWhereTheirRecordIsHalf) {
  const std::string id = begin("ends");
  after_ticks(id);
  fs::create_directories(folder_ / "operations/half");
  write_file(folder_ / "operations/half/operation.json", "{");
  open();
  EXPECT_FALSE(fs::exists(folder_ / "operations/half"));
  EXPECT_EQ(operations_->list().size(), 1u);
  EXPECT_EQ(operations_->get(id).at("state"), "Succeeded");
}

}  // namespace
}  // namespace ringtrain::server
