// SPDX-License-Identifier: Apache-2.0
#include "server/models/models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "server/models/job_model.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

class ModelsTest : public testing::Test {
 protected:
  int add(const std::string& model, const std::string& job = "job") {
    const fs::path made = folder_ / "made";
    fs::create_directory(made);
    write_file(made / "model.safetensors", "weights of " + job);
    return models_.adopt(made, model, {{"job", job}, {"attempt", 1}});
  }

  const TemporaryDirectory folder_;
  Models models_{folder_ / "models"};
};

TEST_F(ModelsTest, NumbersVersionsAndNeverGivesANumberAgain) {
  EXPECT_EQ(add("m"), 1);
  EXPECT_EQ(add("m", "other"), 2);
  EXPECT_EQ(models_.number_of("m", "latest"), 2);
  models_.remove("m", 2);
  EXPECT_EQ(models_.number_of("m", "latest"), 1);
  EXPECT_EQ(add("m", "third"), 3);
  EXPECT_EQ(models_.version_of("m", "third", 1), 3);
  EXPECT_EQ(models_.version_of("m", "third", 2), 0);
  EXPECT_EQ(models_.get("m").at("versions").size(), 2u);
}

TEST_F(ModelsTest, AreWhatTheFoldersHave) {
  add("m");
  models_.set_alias("m", "production", 1);
  models_.add_evaluation("m", 1, {{"accuracy", 0.5}, {"classes", {1, 2}}});
  fs::create_directories(folder_ / "models/.gone.1");
  const Models again(folder_ / "models");
  const ordered_json listed = again.list().at(0);
  EXPECT_EQ(listed.at("aliases").at("production"), 1);
  EXPECT_EQ(listed.at("latest").at("evaluations").at(0), ordered_json({{"accuracy", 0.5}}));
  EXPECT_EQ(again.card("m", 1).at("evaluations").at(0).at("classes").size(), 2u);
  EXPECT_FALSE(fs::exists(folder_ / "models/.gone.1"));
}

TEST_F(ModelsTest, MoveAliasesAndKeepWhatHasOne) {
  add("m");
  add("m");
  models_.set_alias("m", "production", 1);
  EXPECT_EQ(status_of_refusal([&] { models_.remove("m", 1); }), 409);
  models_.set_alias("m", "production", 2);
  EXPECT_EQ(models_.number_of("m", "production"), 2);
  models_.remove("m", 1);
  models_.remove_alias("m", "production");
  EXPECT_EQ(status_of_refusal([&] { models_.number_of("m", "production"); }), 404);
  EXPECT_EQ(status_of_refusal([&] { models_.remove_alias("m", "production"); }), 404);
  for (const char* const bad : {"latest", "7", "../x", "A", ""}) {
    EXPECT_EQ(status_of_refusal([&] { models_.set_alias("m", bad, 2); }), 422) << bad;
  }
  EXPECT_EQ(status_of_refusal([&] { models_.set_alias("m", "x", 9); }), 404);
}

TEST_F(ModelsTest, KnowNoNameThatIsAPath) {
  add("m");
  for (const char* const no : {"..", "m/1", "", "none"}) {
    EXPECT_EQ(status_of_refusal([&] { models_.get(no); }), 404) << no;
    EXPECT_EQ(status_of_refusal([&] { models_.number_of(no, "1"); }), 404) << no;
  }
  for (const char* const no : {"0", "01", "-1", "..", "1/..", "99999999999999999999"}) {
    EXPECT_EQ(status_of_refusal([&] { models_.number_of("m", no); }), 404) << no;
  }
}

TEST(ModelNameOf, PutsClonesBesideTheirJob) {
  EXPECT_EQ(model_name_of({.name = "mnist-2"}), "mnist-2");
  EXPECT_EQ(model_name_of({.name = "mnist-2", .parent = "mnist"}), "mnist");
}

}  // namespace
}  // namespace ringtrain::server
