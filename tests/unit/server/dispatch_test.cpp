// SPDX-License-Identifier: Apache-2.0
#include "server/api/dispatch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/api/openapi.hpp"
#include "server/problem.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

class DispatchTest : public testing::Test {
 protected:
  DispatchTest() {
    const auto echo = [](const Call& call) {
      return json_answer({{"by", call.caller.name}, {"name", call.path.at("name")}});
    };
    routes_.push_back({.method = "GET", .path = "/r/{name}", .operation = "a", .run = echo});
    routes_.push_back({.method = "POST",
                       .path = "/r/{name}",
                       .operation = "b",
                       .access = Access::submit,
                       .body = "JSON",
                       .run = echo});
    routes_.push_back(
        {.method = "GET",
         .path = "/open",
         .operation = "c",
         .access = Access::open,
         .run = [](const Call&) -> net::Answer { throw Problem(409, "a conflict"); }});
    routes_.push_back({.method = "GET",
                       .path = "/seed",
                       .operation = "d",
                       .access = Access::open,
                       .run = [](const Call&) -> net::Answer { throw Problem(500, "not there"); },
                       .style = RouteStyle::seed});
    routes_.push_back({.method = "POST",
                       .path = "/secret",
                       .operation = "e",
                       .access = Access::open,
                       .run = [](const Call&) -> net::Answer { throw Problem(401, "no code"); }});
  }
  net::Answer ask(const std::string& method, const std::string& target, const std::string& token,
                  const std::string& body = "") {
    net::ServedRequest request{.method = method, .target = target, .body = body, .peer = "peer"};
    request.headers = {{"host", "localhost"}, {"content-type", "application/json"}};
    if (!token.empty()) request.headers.emplace_back("authorization", "Bearer " + token);
    return dispatcher_.answer(request);
  }
  int status(const std::string& method, const std::string& target, const std::string& token) {
    return ask(method, target, token).status;
  }

  const TemporaryDirectory folder_;
  Tokens tokens_{folder_.path()};
  const std::string owner_ = read_owner_token(folder_.path());
  Routes routes_;
  Audit audit_{folder_.path()};
  Dispatcher dispatcher_{routes_, {loopback_hosts()}, tokens_, audit_};
};

TEST_F(DispatchTest, GivesEachCallerWhatItsTokenAllows) {
  const std::string reader = tokens_.add("reader", Scope::read, std::chrono::hours(0));
  EXPECT_EQ(status("GET", "/r/a", owner_), 200);
  EXPECT_THAT(ask("GET", "/r/a%20b", reader).body, HasSubstr(R"("by":"reader","name":"a b")"));
  EXPECT_EQ(status("GET", "/r/a", ""), 401);
  EXPECT_EQ(status("GET", "/r/a", "wrong"), 401);
  EXPECT_EQ(status("POST", "/r/a", reader), 403);
  EXPECT_EQ(status("POST", "/r/a", owner_), 200);
}

TEST_F(DispatchTest, TakesTheTokenOfACookieAmongOthers) {
  const net::ServedRequest request{
      .method = "GET",
      .target = "/r/a",
      .headers = {{"host", "localhost"}, {"cookie", "x=1; ringtrain=" + owner_ + "; y=2"}}};
  EXPECT_EQ(dispatcher_.answer(request).status, 200);
}

TEST_F(DispatchTest, RefusesInRfc9457) {
  const net::Answer answer = ask("GET", "/open", "");
  EXPECT_EQ(answer.status, 409);
  const auto body = nlohmann::json::parse(answer.body);
  EXPECT_EQ(body["title"], "Conflict");
  EXPECT_EQ(body["status"], 409);
  EXPECT_EQ(body["detail"], "a conflict");
  EXPECT_EQ(ask("GET", "/seed", "").body, R"({"detail":"not there"})");
  EXPECT_EQ(status("GET", "/none", owner_), 404);
  EXPECT_EQ(status("GET", "/r/..%2f..", owner_), 404);
  EXPECT_EQ(status("DELETE", "/r/a", owner_), 405);
  EXPECT_EQ(status("GET", "/r/a?x=%zz", owner_), 400);
  EXPECT_EQ(status("GET", "/r/" + std::string(5000, 'a'), owner_), 400);
}

TEST_F(DispatchTest, UsersOfAClusterHaveTheRightsThatTheyHaveThere) {
  Reviewer reviewer([](const std::string& token, const std::vector<ClusterRight>& rights) {
    if (token != "alice's") return ClusterReview{ClusterReview::Answer::unknown_token, "", "who?"};
    if (rights.front().verb != "get")
      return ClusterReview{ClusterReview::Answer::denied, "alice", "no"};
    return ClusterReview{ClusterReview::Answer::allowed, "alice", ""};
  });
  Dispatcher dispatcher(routes_, {loopback_hosts()}, tokens_, audit_, &reviewer);
  const auto answer_to = [&](const std::string& method, const std::string& token) {
    net::ServedRequest request{.method = method, .target = "/r/a", .body = "{}", .peer = "peer"};
    request.headers = {{"host", "localhost"},
                       {"content-type", "application/json"},
                       {"authorization", "Bearer " + token}};
    net::Answer answer = dispatcher.answer(request);
    while (answer.pending) answer = answer.pending->then();
    return answer;
  };
  EXPECT_THAT(answer_to("GET", "alice's").body, HasSubstr(R"("by":"alice")"));
  EXPECT_EQ(answer_to("POST", "alice's").status, 403);
  EXPECT_EQ(answer_to("GET", "nobody's").status, 401);
  EXPECT_EQ(answer_to("POST", owner_).status, 200);
  for (int i = 0; i < 20; ++i) answer_to("GET", "guess");
  EXPECT_EQ(answer_to("GET", "another guess").status, 429);
  EXPECT_EQ(answer_to("GET", "alice's").status, 200);
}

TEST_F(DispatchTest, RefusesInALineOfTextWhereKubemlDoes) {
  const auto add = [&](const char* path, const nlohmann::ordered_json& more) {
    routes_.push_back(
        {.method = "POST",
         .path = path,
         .operation = "k",
         .access = Access::submit,
         .body = "text/x-python",
         .run = [more](const Call&) -> net::Answer { throw Problem(404, "not there", more); },
         .style = RouteStyle::kubeml});
  };
  add("/text", nlohmann::ordered_json::object());
  add("/json", {{"error", "not there"}});
  EXPECT_EQ(ask("POST", "/text", owner_, "any type").body, "not there\n");
  EXPECT_EQ(ask("POST", "/json", owner_).body, "{\"error\":\"not there\"}\n");
  EXPECT_EQ(ask("POST", "/json", owner_).status, 404);
  EXPECT_EQ(status("POST", "/text", ""), 401);
}

TEST_F(DispatchTest, CompletesAnAnswerThatWaits) {
  bool is_known = true;
  routes_.push_back({.method = "POST",
                     .path = "/later",
                     .operation = "later",
                     .access = Access::submit,
                     .run =
                         [&](const Call&) {
                           auto pending = std::make_shared<net::HttpPending>();
                           pending->then = [&]() -> net::Answer {
                             if (!is_known) throw Problem(404, "not there");
                             return {.status = 201, .body = "made"};
                           };
                           return net::Answer{.pending = std::move(pending)};
                         },
                     .style = RouteStyle::kubeml});
  const net::Answer waiting = ask("POST", "/later", owner_);
  ASSERT_TRUE(waiting.pending);
  EXPECT_TRUE(audit_.page(10, {})["changes"].empty());
  const net::Answer made = waiting.pending->then();
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body, "made");
  EXPECT_THAT(made.headers, Contains(Pair("X-Content-Type-Options", "nosniff")));
  EXPECT_EQ(audit_.page(10, {})["changes"][0]["status"], 201);
  is_known = false;
  EXPECT_EQ(ask("POST", "/later", owner_).pending->then().body, "not there\n");
}

TEST_F(DispatchTest, RefusesABodyBeforeItArrivesInTheStyleOfItsRoute) {
  routes_.push_back({.method = "POST",
                     .path = "/take",
                     .operation = "take",
                     .access = Access::submit,
                     .body = "multipart/form-data",
                     .style = RouteStyle::kubeml,
                     .receive = [](const Call&) -> net::BodyReceiver {
                       throw Problem(400, "no room", {{"error", "no room"}});
                     }});
  const auto receive = [&](const std::string& token) {
    const auto receiver = dispatcher_.receive(
        {.method = "POST",
         .target = "/take",
         .headers = {{"host", "localhost"}, {"authorization", "Bearer " + token}}});
    EXPECT_TRUE(receiver && !receiver->wants_body);
    return receiver->finish();
  };
  EXPECT_EQ(receive("wrong").status, 401);
  EXPECT_EQ(receive(owner_).status, 400);
  EXPECT_EQ(receive(owner_).body, "{\"error\":\"no room\"}\n");
}

TEST_F(DispatchTest, SlowsDownWhoeverGuessesTokens) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(status("GET", "/r/a", "guess"), 401);
  const net::Answer answer = ask("GET", "/r/a", "guess");
  EXPECT_EQ(answer.status, 429);
  EXPECT_THAT(answer.headers, Contains(Pair("Retry-After", "60")));
  EXPECT_EQ(status("GET", "/r/a", owner_), 200);
}

TEST_F(DispatchTest, CountsWrongCodesAsWrongTokens) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(status("POST", "/secret", ""), 401);
  EXPECT_EQ(status("POST", "/secret", ""), 429);
}

TEST_F(DispatchTest, RecordsChangesAndNothingElse) {
  ask("GET", "/r/a", owner_);
  ask("POST", "/r/a", "wrong");
  ask("POST", "/r/a", owner_);
  const auto changes = audit_.page(10, {})["changes"];
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0]["by"], "owner");
  EXPECT_EQ(changes[0]["from"], "peer");
  EXPECT_EQ(changes[0]["request"], "POST /r/a");
  EXPECT_EQ(changes[0]["status"], 200);
}

TEST_F(DispatchTest, ClosesConnectionsOfHostileRequests) {
  EXPECT_TRUE(ask("GET", "/r/a?x=%zz", owner_).close);
  EXPECT_FALSE(ask("GET", "/r/a", owner_).close);
  EXPECT_FALSE(ask("GET", "/open", "").close);
}

TEST_F(DispatchTest, DescribesEveryRoute) {
  const auto json = openapi(routes_);
  EXPECT_EQ(json["openapi"], "3.1.0");
  EXPECT_TRUE(json["paths"]["/r/{name}"].contains("get"));
  EXPECT_TRUE(json["paths"]["/r/{name}"].contains("post"));
  EXPECT_EQ(json["paths"]["/r/{name}"]["get"]["parameters"][0]["in"], "path");
  EXPECT_TRUE(json["paths"]["/open"]["get"]["security"].empty());
  EXPECT_EQ(json["components"]["schemas"]["JobRequest"]["required"][0], "job_name");
}

}  // namespace
}  // namespace ringtrain::server
