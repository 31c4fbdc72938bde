// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/reviews.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>

#include "server/cluster/cluster_users.hpp"
#include "server/cluster/reviewer.hpp"
#include "server/problem.hpp"
#include "tests/unit/mpijob/client/server_access.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Answer = ClusterReview::Answer;

// An API server that knows the token "alice's", whose user may list and nothing else.
class ReviewsTest : public testing::Test {
 protected:
  net::Reply answer(const net::ReceivedRequest& request) {
    const json body = json::parse(request.body);
    if (refuses_) return {403, {R"({"message": "the server may not ask"})"}};
    if (request.target == "/apis/authentication.k8s.io/v1/tokenreviews") {
      const bool known = body["spec"]["token"] == "alice's";
      const json user = {{"username", "alice"}, {"groups", {"team"}}, {"uid", "7"}};
      return {201, {json{{"status", {{"authenticated", known}, {"user", user}}}}.dump()}};
    }
    asked_ = body["spec"];
    const bool may = asked_["resourceAttributes"]["verb"] == "list";
    return {201, {json{{"status", {{"allowed", may}}}}.dump()}};
  }
  ClusterReview ask(const std::string& token, const std::vector<ClusterRight>& rights) {
    mpijob::ApiClient client(mpijob::access_to(server_, authority_));
    return review(client, token, rights);
  }

  bool refuses_ = false;
  json asked_;
  const net::Authority authority_{"the cluster"};
  net::FakeServer server_{authority_.make("server", "IP:127.0.0.1"), "",
                          [this](const net::ReceivedRequest& request) { return answer(request); }};
};

const ClusterRight kList{"list", "kubeflow.org", "mpijobs", ""};
const ClusterRight kLog{"get", "", "pods", "log"};

TEST_F(ReviewsTest, TheApiServerSaysWhoItIsAndWhatThatUserMay) {
  const ClusterReview allowed = ask("alice's", {kList});
  EXPECT_EQ(allowed.answer, Answer::allowed);
  EXPECT_EQ(allowed.user, "alice");
  EXPECT_EQ(asked_["user"], "alice");
  EXPECT_EQ(asked_["groups"], json({"team"}));
  EXPECT_EQ(asked_["resourceAttributes"]["namespace"], "lab");

  const ClusterReview denied = ask("alice's", {kList, kLog});
  EXPECT_EQ(denied.answer, Answer::denied);
  EXPECT_THAT(denied.why, HasSubstr("alice may not get pods/log in namespace lab"));
  EXPECT_EQ(ask("somebody's", {kList}).answer, Answer::unknown_token);
}

TEST_F(ReviewsTest, ARefusalToTheServerItselfIsNotTheUsers) {
  refuses_ = true;
  const ClusterReview review = ask("alice's", {kList});
  EXPECT_EQ(review.answer, Answer::unreachable);
  EXPECT_THAT(review.why, HasSubstr("the server may not ask"));
}

TEST(ReviewerTest, AsksOnItsOwnThreadOnceAndRemembers) {
  std::atomic<int> asked = 0;
  Reviewer reviewer([&](const std::string& token, const std::vector<ClusterRight>&) {
    ++asked;
    return ClusterReview{Answer::allowed, token + "'s user", ""};
  });
  std::promise<void> first;
  std::promise<void> second;
  EXPECT_FALSE(reviewer.look("t", {kList}, [&] { first.set_value(); }));
  first.get_future().wait();
  const auto known = reviewer.look("t", {kList}, [] {});
  ASSERT_TRUE(known);
  EXPECT_EQ(known->user, "t's user");
  EXPECT_FALSE(reviewer.look("t", {kList, kLog}, [&] { second.set_value(); }));  // another right
  second.get_future().wait();
  EXPECT_EQ(asked, 2);
  reviewer.stop();
  EXPECT_EQ(reviewer.look("new", {}, [] {})->answer, Answer::unreachable);
}

TEST(ClusterUsers, EachRouteNeedsTheRightThatKubectlWould) {
  const auto rights = [](const char* path, const char* operation, Access access = Access::read) {
    return rights_for({.method = "", .path = path, .operation = operation, .access = access});
  };
  const auto first = [&](const char* path, const char* operation, Access access = Access::read) {
    return rights(path, operation, access).front().text();
  };
  EXPECT_EQ(first("/api/v1/jobs", "listJobs"), "list mpijobs.kubeflow.org");
  EXPECT_EQ(first("/api/v1/jobs/{name}", "getJob"), "get mpijobs.kubeflow.org");
  EXPECT_EQ(first("/jobs", "submit_job_jobs_post", Access::submit), "create mpijobs.kubeflow.org");
  EXPECT_EQ(first("/api/v1/jobs/{name}/stop", "stopJob", Access::submit),
            "patch mpijobs.kubeflow.org");
  EXPECT_EQ(first("/api/v1/jobs/{name}", "deleteJob", Access::submit),
            "delete mpijobs.kubeflow.org");
  EXPECT_EQ(rights("/api/v1/jobs/{name}/logs", "getLogs").back().text(), "get pods/log");
}

TEST(ClusterUsers, AnswersWaitForAReviewAndThenSayWhatItSaid) {
  for (const auto& [answer, status] : {std::pair(Answer::allowed, 0),
                                       {Answer::unknown_token, 401},
                                       {Answer::denied, 403},
                                       {Answer::unreachable, 503}}) {
    Reviewer reviewer([answer = answer](const std::string&, const std::vector<ClusterRight>&) {
      return ClusterReview{answer, "alice", "the reason"};
    });
    int refused = 0;
    for (;;) {
      try {
        EXPECT_EQ(cluster_user(reviewer, "t", {kList}).name, "alice");
        break;
      } catch (const ReviewPending&) {
        std::this_thread::yield();
      } catch (const Problem& problem) {
        EXPECT_EQ(problem.detail(), "the reason");
        refused = problem.status();
        break;
      }
    }
    EXPECT_EQ(refused, status);
  }
}

}  // namespace
}  // namespace ringtrain::server
