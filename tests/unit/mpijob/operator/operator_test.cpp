// SPDX-License-Identifier: Apache-2.0
// The loop against an API server that keeps objects; what the plans are is tested by themselves.
#include "mpijob/operator/operator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "mpijob/client/json_path.hpp"
#include "tests/unit/mpijob/objects/fake_api_server.hpp"
#include "tests/unit/mpijob/operator/sample_resource.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class OperatorTest : public testing::Test {
 protected:
  OperatorTest() { server_.put("traininkubes/example", sample_resource()); }

  // Runs an operator until `look` returns true.
  void run_until(const std::function<bool(std::map<std::string, json>& objects)>& look) {
    volatile std::sig_atomic_t stop = 0;
    ApiClient client = server_.client();
    std::thread thread([&] { Operator(client, {}, "this-one").run(stop); });
    const Deadline limit(std::chrono::seconds(60));
    bool found = false;
    while (!found && !limit.passed()) {
      auto objects = server_.objects();
      found = look(objects);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    stop = 1;
    thread.join();
    EXPECT_TRUE(found) << json(server_.objects());
  }

  FakeApiServer server_;
};

TEST_F(OperatorTest, MakesTheFirstStepAndShowsIt) {
  run_until([](auto& objects) {
    return objects.contains("jobs/examplebuildmodel") &&
           look_text(objects["traininkubes/example"], {"status", "phase"}) == "Building";
  });
  auto objects = server_.objects();
  EXPECT_EQ(objects["traininkubes/example"]["metadata"]["finalizers"][0], kFinalizer);
  EXPECT_TRUE(objects.contains("configmaps/example"));
  EXPECT_EQ(objects["leases/ringtrain-operator"]["spec"]["holderIdentity"], "");
}

TEST_F(OperatorTest, ShowsARightThatIsMissing) {
  server_.refuse("jobs");
  run_until([](auto& objects) {
    return look_text(objects["traininkubes/example"], {"status", "reason"}) == "Forbidden";
  });
  EXPECT_THAT(look_text(server_.objects()["traininkubes/example"], {"status", "why"}),
              HasSubstr("forbidden: cannot create Job examplebuildmodel"));
}

TEST_F(OperatorTest, NamesAnObjectThatIsInTheWay) {
  server_.put("jobs/examplebuildmodel", {{"metadata", {{"name", "examplebuildmodel"}}}});
  run_until([](auto& objects) {
    return look_text(objects["traininkubes/example"], {"status", "reason"}) == "NameTaken";
  });
}

TEST_F(OperatorTest, DoesNothingWhileAnotherHoldsTheLease) {
  const json lease = {{"metadata", {{"name", "ringtrain-operator"}, {"resourceVersion", "1"}}},
                      {"spec", {{"holderIdentity", "other"}, {"leaseDurationSeconds", 3600}}}};
  server_.put("leases/ringtrain-operator", lease);
  int looks = 0;
  run_until([&](auto& objects) {
    EXPECT_FALSE(objects.contains("jobs/examplebuildmodel"));
    return ++looks == 200;
  });
  EXPECT_EQ(server_.objects()["leases/ringtrain-operator"], lease);
}

}  // namespace
}  // namespace ringtrain::mpijob
