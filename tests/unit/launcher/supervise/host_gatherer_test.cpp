// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_gatherer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Hosts that answer at once, or not at all; time passes when somebody waits.
class World : public Clock, public RankStarter, public RunObserver {
 public:
  TimePoint now() override { return now_; }
  int wait_for_stop(std::chrono::milliseconds time) override {
    now_ += time;
    return now_ >= stop_at ? SIGTERM : 0;
  }

  std::unique_ptr<Ranks> start(const std::vector<Host>&, StartFrom) override { return nullptr; }
  std::unique_ptr<HostCheck> check(const std::vector<Host>& hosts) override {
    class Answers : public HostCheck {
     public:
      bool done() override { return true; }
      const std::map<std::string, std::string>& problems() const override { return problems_; }
      std::map<std::string, std::string> problems_;
    };
    auto answers = std::make_unique<Answers>();
    for (const Host& host : hosts) {
      answers->problems_[host.name] = down.contains(host.name) ? "it does not answer" : "";
    }
    return answers;
  }

  void on_event(const Event&, const std::string&) override {}
  void on_standard_output(const std::string&) override {}
  void on_standard_error(const std::string&) override {}
  void on_message(const std::string& text) override { messages.push_back(text); }
  void on_ranks_ended() override {}

  std::vector<Host> listed = {{"a", 2}, {"b", 2}};
  std::set<std::string> down;
  TimePoint stop_at = TimePoint::max();
  std::vector<std::string> messages;

 private:
  TimePoint now_{};
};

class HostGathererTest : public testing::Test {
 protected:
  GatheredHosts gather() { return gatherer_.gather(seconds(5), seconds(60)); }

  World world_;
  HostSource source_{[this] { return world_.listed; }};
  RankRange range_{.started = 4};
  HostGatherer gatherer_{source_, range_, world_, world_, world_};
};

TEST(RankRange, IsAsStartedWhereTheJobDoesNotSay) {
  RankRange range{.started = 4, .workers = {}};
  EXPECT_EQ(range.least(), 4);
  EXPECT_EQ(range.most(8), 4);
  EXPECT_EQ(range.most(3), 3);
  range.workers = {.min = 2, .max = 6};
  EXPECT_EQ(range.least(), 2);
  EXPECT_EQ(range.most(8), 6);
}

TEST_F(HostGathererTest, TakesAllHostsThatAnswer) {
  EXPECT_THAT(gather().hosts, ElementsAre(Host{"a", 2}, Host{"b", 2}));
  EXPECT_THAT(world_.messages, IsEmpty());
}

TEST_F(HostGathererTest, ContinuesWithFewerRanksAfterAWhile) {
  range_.workers = {.min = 1, .max = 4};
  world_.down = {"b"};
  EXPECT_THAT(gather().hosts, ElementsAre(Host{"a", 2}));
  EXPECT_GE(world_.now(), Clock::TimePoint(seconds(5)));
  EXPECT_THAT(world_.messages, ElementsAre("waiting for b: it does not answer",
                                           "continuing with 2 ranks; b: it does not answer"));
}

TEST_F(HostGathererTest, GivesUpAndSaysWhy) {
  world_.down = {"b"};
  const GatheredHosts gathered = gather();
  EXPECT_THAT(gathered.hosts, IsEmpty());
  EXPECT_EQ(gathered.cause, "no hosts for 4 ranks in 1 min 0 s: b: it does not answer");
  world_.down.clear();
  world_.listed = {{"a", 2}};
  EXPECT_EQ(gather().cause, "no hosts for 4 ranks in 1 min 0 s: found 2 slots");
}

TEST_F(HostGathererTest, StopsWaitingOnRequest) {
  world_.down = {"a", "b"};
  world_.stop_at = Clock::TimePoint(seconds(3));
  EXPECT_EQ(gather().stop_signal, SIGTERM);
}

TEST_F(HostGathererTest, GrowsToHostsThatComeAndAnswer) {
  range_.workers = {.min = 1, .max = 8};
  const std::vector<Host> in_use = {{"a", 2}, {"b", 2}};
  const auto grows = [&] {
    bool can = false;
    for (int i = 0; i < 40 && !can; ++i) {
      can = gatherer_.can_grow(in_use);
      world_.wait_for_stop(std::chrono::milliseconds(200));
    }
    return can;
  };
  EXPECT_FALSE(grows());
  world_.listed.push_back({"c", 1});
  world_.down = {"c"};
  EXPECT_FALSE(grows());
  world_.down.clear();
  EXPECT_TRUE(grows());
  EXPECT_THAT(world_.messages.back(), HasSubstr("5 ranks can run now"));
}

}  // namespace
}  // namespace ringtrain::launcher
