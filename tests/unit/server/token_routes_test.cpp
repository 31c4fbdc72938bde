// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/job_routes.hpp"
#include "server/problem.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

class TokenRoutesTest : public testing::Test {
 protected:
  TokenRoutesTest() { add_token_routes(routes_, tokens_, audit_); }

  net::Answer call(const std::string& operation, const std::string& body,
                   std::map<std::string, std::string> path = {}) {
    const net::ServedRequest request{.body = body};
    for (const Route& route : routes_) {
      if (route.operation == operation) return route.run({request, std::move(path)});
    }
    throw std::runtime_error("no route");
  }
  // The paths of the refused keys; the status where there are none.
  std::string refused(const std::string& body) {
    try {
      call("makeToken", body);
    } catch (const Problem& problem) {
      std::string paths;
      if (!problem.more().contains("errors")) return std::to_string(problem.status());
      for (const auto& error : problem.more()["errors"]) {
        EXPECT_FALSE(error["allowed"].get<std::string>().empty());
        paths += error["path"].get<std::string>() + " ";
      }
      return paths;
    }
    return "";
  }

  const TemporaryDirectory folder_;
  Tokens tokens_{folder_.path()};
  const Audit audit_{folder_.path()};
  Routes routes_;
};

TEST_F(TokenRoutesTest, MakesListsAndForgets) {
  const net::Answer made = call("makeToken", R"({"name": "ci", "scope": "read", "days": 2})");
  EXPECT_EQ(made.status, 201);
  const auto json = ordered_json::parse(made.body);
  const std::string token = json["token"];
  EXPECT_EQ(tokens_.find(token).value().scope, Scope::read);
  EXPECT_TRUE(json["expires"].is_string());
  const std::string list = call("listTokens", "").body;
  EXPECT_THAT(list, HasSubstr(json["id"].get<std::string>()));
  EXPECT_THAT(list, Not(HasSubstr(token)));
  EXPECT_EQ(call("deleteToken", "", {{"id", json["id"]}}).status, 204);
  EXPECT_FALSE(tokens_.find(token));
  EXPECT_THROW(call("deleteToken", "", {{"id", json["id"]}}), Problem);
}

TEST_F(TokenRoutesTest, SaysEverythingThatDoesNotFit) {
  EXPECT_EQ(refused(R"({"scope": "root", "days": 0, "x": 1})"), "x name scope days ");
  EXPECT_EQ(refused(R"({"name": "owner"})"), "name ");
  EXPECT_EQ(refused("{\"name\": \"a\\u0007\"}"), "name ");
  EXPECT_EQ(refused(R"({"name": 5, "scope": [], "days": "2"})"), "name scope days ");
  EXPECT_EQ(refused("[]"), "400");
  EXPECT_EQ(tokens_.list().size(), 1u);
}

TEST_F(TokenRoutesTest, KeepsTheOwners) {
  const auto list = ordered_json::parse(call("listTokens", "").body)["tokens"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["name"], "owner");
  try {
    call("deleteToken", "", {{"id", list[0]["id"]}});
    ADD_FAILURE() << "was deleted";
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 409);
  }
}

}  // namespace
}  // namespace ringtrain::server
