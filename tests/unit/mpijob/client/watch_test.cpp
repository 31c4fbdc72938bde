// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "mpijob/client/api_error.hpp"
#include "mpijob/client/watcher.hpp"
#include "tests/unit/mpijob/client/server_access.hpp"

namespace ringtrain::mpijob {
namespace {

using net::Authority;
using net::FakeServer;
using net::ReceivedRequest;
using net::Reply;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

json pod(const std::string& name, const std::string& version) {
  return {{"metadata", {{"name", name}, {"resourceVersion", version}}}};
}

json list_of(const std::vector<json>& items, const std::string& version) {
  return {{"metadata", {{"resourceVersion", version}}}, {"items", items}};
}

std::string event(const std::string& type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump() + "\n";
}

std::string expired() {
  return event("ERROR", {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}});
}

std::vector<std::string> names(const Watch& watch) {
  std::vector<std::string> result;
  for (const auto& [name, object] : watch.objects()) result.push_back(name);
  return result;
}

TEST(Watch, FollowsAdditionsChangesAndDeletions) {
  Watch watch(pods, {});
  EXPECT_TRUE(watch.must_list());
  watch.take_list(list_of({pod("a", "1"), pod("b", "2")}, "2"));
  EXPECT_FALSE(watch.must_list());
  EXPECT_TRUE(watch.take(event("ADDED", pod("c", "3")) + event("DELETED", pod("a", "4"))));
  EXPECT_TRUE(watch.take(event("MODIFIED", pod("b", "5"))));
  EXPECT_THAT(names(watch), ElementsAre("b", "c"));
  EXPECT_EQ(watch.objects().at("b")["metadata"]["resourceVersion"], "5");
  EXPECT_THAT(watch.stream_query(9),
              "watch=true&allowWatchBookmarks=true&timeoutSeconds=9&resourceVersion=5");
}

TEST(Watch, ABookmarkMovesTheVersionAndChangesNothing) {
  Watch watch(pods, {"", "metadata.name=a"});
  watch.take_list(list_of({pod("a", "1")}, "1"));
  EXPECT_FALSE(watch.take(event("BOOKMARK", {{"metadata", {{"resourceVersion", "900"}}}})));
  EXPECT_THAT(names(watch), ElementsAre("a"));
  EXPECT_THAT(watch.stream_query(9), HasSubstr("resourceVersion=900"));
  EXPECT_THAT(watch.stream_query(9), HasSubstr("fieldSelector=metadata.name%3Da&watch"));
}

TEST(Watch, LinesMayComeInPieces) {
  Watch watch(pods, {});
  watch.take_list(list_of({}, "1"));
  const std::string text = event("ADDED", pod("a", "2")) + event("ADDED", pod("b", "3"));
  for (const char c : text) watch.take({&c, 1});
  EXPECT_THAT(names(watch), ElementsAre("a", "b"));
  // A stream that breaks off within a line does not spoil the next one.
  watch.take("{\"type\":");
  watch.take_end();
  watch.take(event("ADDED", pod("c", "4")));
  EXPECT_THAT(names(watch), ElementsAre("a", "b", "c"));
}

TEST(Watch, AVersionThatHasExpiredNeedsANewList) {
  Watch watch(pods, {});
  watch.take_list(list_of({pod("a", "1")}, "1"));
  EXPECT_FALSE(watch.take(expired()));
  EXPECT_TRUE(watch.must_list());
  watch.take(event("ADDED", pod("late", "2")));
  EXPECT_TRUE(watch.must_list());
  EXPECT_THAT(names(watch), ElementsAre("a"));  // until the list comes
}

TEST(Watch, NonsenseIsPassedOver) {
  Watch watch(pods, {});
  watch.take_list(list_of({pod("a", "1")}, "1"));
  EXPECT_FALSE(
      watch.take("nonsense\n{}\n[]\n{\"type\":\"ADDED\",\"object\":7}\n"
                 "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n"));
  EXPECT_FALSE(watch.must_list());
}

// A server whose answers to lists and to streams are scripted, one after the other; the last one
// again and again.
class Scripted {
 public:
  Scripted(std::vector<Reply> lists, std::vector<Reply> streams)
      : lists_(std::move(lists)), streams_(std::move(streams)) {}

  Access access() const { return access_to(server_, authority_); }

  std::vector<std::string> targets() {
    const std::lock_guard lock(mutex_);
    return targets_;
  }

 private:
  Reply next(std::vector<Reply>& replies) {
    const Reply reply = replies.front();
    if (replies.size() > 1) replies.erase(replies.begin());
    return reply;
  }

  std::mutex mutex_;
  std::vector<Reply> lists_;
  std::vector<Reply> streams_;
  std::vector<std::string> targets_;
  const Authority authority_{"the cluster"};
  const FakeServer server_{
      authority_.make("server", "IP:127.0.0.1"), "", [this](const ReceivedRequest& request) {
        const std::lock_guard lock(mutex_);
        targets_.push_back(request.target);
        const bool stream = request.target.find("watch=true") != std::string::npos;
        return next(stream ? streams_ : lists_);
      }};
};

Reply answer(const json& value) { return {200, {value.dump()}}; }

void wait_for(Watcher& watcher, const Watch& watch, const std::string& name) {
  for (int i = 0; i < 1000 && watch.objects().count(name) == 0; ++i) {
    watcher.wait(std::chrono::seconds(10));
  }
  EXPECT_EQ(watch.objects().count(name), 1u);
}

TEST(Watcher, ListsAnewWhenTheVersionHasExpiredEitherWay) {
  Scripted server({answer(list_of({pod("a", "1")}, "1")), answer(list_of({pod("b", "50")}, "50")),
                   answer(list_of({pod("c", "90")}, "90"))},
                  {{200, {expired()}},
                   {410, {R"({"kind":"Status","code":410})"}},
                   {200, {event("ADDED", pod("d", "91"))}}});
  ApiClient client(server.access());
  Watch watch(pods, {});
  Watcher watcher(client, {&watch});
  wait_for(watcher, watch, "d");
  EXPECT_THAT(names(watch), ElementsAre("c", "d"));
  EXPECT_THAT(server.targets().back(), HasSubstr("resourceVersion=90"));
}

TEST(Watcher, GoesOnWhereAStreamEnded) {
  Scripted server({answer(list_of({}, "1"))},
                  {{200, {event("ADDED", pod("a", "7"))}}, {200, {event("ADDED", pod("b", "8"))}}});
  ApiClient client(server.access());
  Watch watch(pods, {});
  Watcher watcher(client, {&watch});
  wait_for(watcher, watch, "b");
  const auto targets = server.targets();
  ASSERT_GE(targets.size(), 3u);
  EXPECT_THAT(targets[2], HasSubstr("resourceVersion=7"));
  EXPECT_THAT(targets[2], Not(HasSubstr("limit=")));
}

TEST(Watcher, ALostConnectionIsToldAndMended) {
  Scripted server({answer(list_of({pod("a", "1")}, "1")), answer(list_of({pod("b", "9")}, "9"))},
                  {{0, {}}, {200, {event("BOOKMARK", pod("", "10"))}}});
  ApiClient client(server.access());
  Watch watch(pods, {});
  Watcher watcher(client, {&watch});
  EXPECT_TRUE(watcher.wait(std::chrono::seconds(10)));
  for (int i = 0; i < 10'000 && watcher.problem().empty(); ++i) {
    watcher.wait(std::chrono::milliseconds(1));
  }
  EXPECT_THAT(watcher.problem(), HasSubstr("connection to the API server was lost"));
  wait_for(watcher, watch, "b");
  EXPECT_EQ(watcher.problem(), "");
}

TEST(Watcher, AMissingRightEndsIt) {
  Scripted server({{403, {R"({"message":"User \"me\" cannot list resource \"pods\""})"}}},
                  {{200, {}}});
  ApiClient client(server.access());
  Watch watch(pods, {});
  Watcher watcher(client, {&watch});
  EXPECT_THROW(watcher.wait(std::chrono::seconds(10)), ApiError);
}

}  // namespace
}  // namespace ringtrain::mpijob
