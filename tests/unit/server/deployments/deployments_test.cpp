// SPDX-License-Identifier: Apache-2.0
#include "server/deployments/deployments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/file.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ::testing::HasSubstr;

// Deployments whose program is a script in place of `ringtrain serve`.
class DeploymentsTest : public testing::Test {
 protected:
  DeploymentsTest() {
    for (int version = 0; version < 2; ++version) {
      const fs::path made = folder_ / "made";
      fs::create_directory(made);
      write_file(made / "model.safetensors", "weights");
      models_.adopt(made, "m", {{"job", "j"}, {"attempt", 1}});
    }
    program("echo ringtrain serve on http://127.0.0.1:9; exec sleep 1000");
  }

  void program(const std::string& text) const {
    write_file(folder_ / "program",
               "#!/bin/sh\necho \"$@\" > " + (folder_ / "words").string() + "\n" + text + "\n");
    fs::permissions(folder_ / "program", fs::perms::owner_all);
  }
  Deployments made() const {
    return {folder_ / "deployments", folder_ / "program", "127.0.0.1", models_};
  }
  // Returns the deployment "d" once it has a state.
  static ordered_json wait_for(Deployments& deployments, const std::string& state) {
    for (;;) {
      deployments.tick();
      ordered_json found = deployments.get("d");
      if (found["state"] == state) return found;
      std::this_thread::yield();
    }
  }

  const TemporaryDirectory folder_;
  Models models_{folder_ / "models"};
};

TEST_F(DeploymentsTest, StartAProgramForAVersionAndSayWhereItAnswers) {
  Deployments deployments = made();
  EXPECT_EQ(deployments.put("d", "m", "1", "ann")["state"], "Starting");
  const ordered_json ready = wait_for(deployments, "Ready");
  EXPECT_EQ(ready["address"], "http://127.0.0.1:9/");
  EXPECT_EQ(ready["version"], 1);
  EXPECT_EQ(ready["by"], "ann");
  EXPECT_THAT(read_file(folder_ / "words"),
              HasSubstr("serve d=" + (folder_ / "models/m/1").string() + " --listen 127.0.0.1:0"));
  deployments.remove("d");
  EXPECT_TRUE(deployments.list().empty());
  EXPECT_FALSE(fs::exists(folder_ / "deployments/d"));
}

TEST_F(DeploymentsTest, ComeBackWithTheNextServerAtTheirPort) {
  {
    Deployments deployments = made();
    deployments.put("d", "m", "latest", "ann");
    wait_for(deployments, "Ready");
    deployments.tick();
  }
  fs::create_directories(folder_ / "deployments/broken");
  Deployments deployments = made();
  EXPECT_EQ(deployments.list().size(), 1u);
  EXPECT_EQ(wait_for(deployments, "Ready")["version"], 2);
  EXPECT_THAT(read_file(folder_ / "words"), HasSubstr("--listen 127.0.0.1:9"));
}

TEST_F(DeploymentsTest, SayWhyAProgramHasEndedAndTakeAnotherVersion) {
  program("echo 'ringtrain: the model is torn' >&2; exit 3");
  Deployments deployments = made();
  deployments.put("d", "m", "1", "ann");
  EXPECT_EQ(wait_for(deployments, "Failed")["error"], "the model is torn");
  program("echo ringtrain serve on http://127.0.0.1:9; exec sleep 1000");
  deployments.put("d", "m", "2", "ann");
  EXPECT_EQ(wait_for(deployments, "Ready")["version"], 2);
}

// Nobody listens at the script's port.
TEST_F(DeploymentsTest, KeepTheVersionThatAnswersWhereAnotherIsNotTaken) {
  Deployments deployments = made();
  deployments.put("d", "m", "1", "ann");
  wait_for(deployments, "Ready");
  deployments.put("d", "m", "2", "ann");
  EXPECT_EQ(status_of_refusal([&] { deployments.put("d", "m", "2", "ann"); }), 409);
  const ordered_json kept = wait_for(deployments, "Ready");
  EXPECT_EQ(kept["version"], 1);
  EXPECT_TRUE(kept.contains("error"));
}

TEST_F(DeploymentsTest, RefuseNamesAndModelsThatAreNone) {
  Deployments deployments = made();
  EXPECT_EQ(status_of_refusal([&] { deployments.put("../d", "m", "1", ""); }), 422);
  EXPECT_EQ(status_of_refusal([&] { deployments.put("d", "none", "1", ""); }), 404);
  EXPECT_EQ(status_of_refusal([&] { deployments.put("d", "m", "3", ""); }), 404);
  EXPECT_EQ(status_of_refusal([&] { deployments.remove("d"); }), 404);
  EXPECT_FALSE(fs::exists(folder_ / "deployments/d"));
}

}  // namespace
}  // namespace ringtrain::server
