// SPDX-License-Identifier: Apache-2.0
// Ranks that differ, end, stop or come late: one error on all ranks, in the same words.
#include <gmock/gmock.h>

#include <csignal>

#include "base/error.hpp"
#include "collectives/communicator.hpp"
#include "collectives/mailbox.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/collectives/forked_members.hpp"

namespace ringtrain::collectives {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using namespace std::chrono_literals;

Elements elements(std::vector<float>& values) {
  return {reinterpret_cast<std::byte*>(values.data()), values.size(), ElementType::float32};
}

void all_reduce(Communicator& group, size_t count, Communicator::Timeout timeout = 1min) {
  std::vector<float> values(count, 1);
  group.all_reduce(elements(values), {}, timeout);
}

template <class Matcher>
void expect_lost(const std::function<void()>& f, const Matcher& message) {
  EXPECT_THAT(f, ThrowsError(ErrorKind::lost, message));
}

TEST(Failures, NameBothSizes) {
  EXPECT_THAT(run_members(3,
                          [](const auto& region) {
                            Communicator group(region);
                            all_reduce(group, 5);
                            const auto message =
                                AllOf(HasSubstr("ranks 0 and 2"), HasSubstr("of 10 float32"),
                                      HasSubstr("of 11 float32"));
                            expect_lost([&] { all_reduce(group, group.rank() == 2 ? 11 : 10); },
                                        message);
                            expect_lost([&] { group.barrier(1min); }, message);  // and stays broken
                          }),
              Each(0));
}

TEST(Failures, NameBothOperations) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Communicator group(region);
                            std::vector<float> values(10);
                            expect_lost(
                                [&] {
                                  if (group.rank() == 0)
                                    group.broadcast(elements(values), 1, 1min);
                                  else
                                    all_reduce(group, 10);
                                },
                                AllOf(HasSubstr("rank 0 broadcast number 1 of 10 float32, root 1"),
                                      HasSubstr("rank 1 all_reduce number 1 of 10 float32 (sum)")));
                          }),
              Each(0));
}

TEST(Failures, NameBothSizesOfAPairInAllToAll) {
  EXPECT_THAT(
      run_members(3,
                  [](const auto& region) {
                    Communicator group(region);
                    std::vector<float> values(100);
                    std::vector<Elements> send, receive;
                    for (size_t r = 0; r < 3; ++r) {
                      send.push_back({elements(values).data, 10, ElementType::float32});
                      receive.push_back({elements(values).data + 80, 10, ElementType::float32});
                    }
                    if (group.rank() == 1) receive[2].count = 11;
                    expect_lost([&] { group.all_to_all(send, receive, 1min); },
                                HasSubstr("rank 2 sends 40 bytes to rank 1, which expects 44"));
                  }),
      Each(0));
}

TEST(Failures, NameTheRankThatWasKilled) {
  const auto ended = run_members(3, [](const auto& region) {
    Communicator group(region);
    all_reduce(group, 5);
    if (group.rank() == 1) raise(SIGKILL);
    expect_lost([&] { all_reduce(group, 7); },
                AllOf(HasSubstr("rank 1 ended"), HasSubstr("all_reduce number 2 of 7 float32"),
                      HasSubstr("its last call: all_reduce number 1 of 5 float32")));
  });
  EXPECT_EQ(ended[0], 0);
  EXPECT_TRUE(WIFSIGNALED(ended[1]));
  EXPECT_EQ(ended[2], 0);
}

TEST(Failures, ListTheRanksThatAreMissing) {
  EXPECT_THAT(run_members(3,
                          [](const auto& region) {
                            Communicator group(region);
                            all_reduce(group, 5);
                            if (group.rank() == 0) {
                              expect_lost([&] { group.barrier(100ms); }, HasSubstr("Timed out"));
                              EXPECT_THAT(group.missing(), testing::ElementsAre(1, 2));
                            }
                            // The others come too late.
                            while (region->header().broken.load() == 0) usleep(1'000);
                            expect_lost([&] { group.barrier(1min); }, HasSubstr("Timed out"));
                          }),
              Each(0));
}

TEST(Failures, NameTheRankThatLeft) {
  EXPECT_THAT(run_members(2,
                          [](auto region) {
                            Communicator group(region);
                            all_reduce(group, 5);
                            if (group.rank() == 1) return;
                            expect_lost([&] { all_reduce(group, 5); }, HasSubstr("rank 1 "));
                          }),
              Each(0));
}

TEST(Failures, NameTheRankThatClosedTheGroupThoughItsMemoryLives) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Communicator group(region);
                            all_reduce(group, 5);
                            if (group.rank() == 1) {
                              region->close();
                              usleep(1'000'000);
                              return;
                            }
                            expect_lost([&] { all_reduce(group, 5); },
                                        HasSubstr("rank 1 left the group and did not come"));
                          }),
              Each(0));
}

TEST(Failures, AreNotMadeByAChildThatClosesTheGroup) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Communicator group(region);
                            if (const pid_t child = fork(); child == 0) {
                              region->close();
                              _exit(region->is_ours() ? 1 : 0);
                            } else {
                              int status = 1;
                              waitpid(child, &status, 0);
                              EXPECT_EQ(status, 0);
                            }
                            all_reduce(group, 5);
                            EXPECT_FALSE(region->has_ended(1 - region->rank()));
                            group.barrier(1min);
                          }),
              Each(0));
}

TEST(Failures, EndAReceiveFromAnyRankOnceAllOthersHaveEnded) {
  const auto ended = run_members(3, [](const auto& region) {
    Mailbox mailbox(region);
    if (region->rank() > 0) return;
    std::vector<std::byte> data(10);
    const auto wait = [&] {
      const auto request = mailbox.receive(data, Mailbox::kAnySource, 0, 1min);
      while (!request->done) mailbox.wait();
    };
    expect_lost(wait, HasSubstr("every other rank has ended: rank 0, recv from any rank"));
  });
  EXPECT_THAT(ended, Each(0));
}

// A child of a rank has its memory and its descriptors, as a DataLoader's worker has.
TEST(Failures, NoticeAKilledRankThoughItsChildLives) {
  const auto ended = run_members(2, [](const auto& region) {
    Communicator group(region);
    all_reduce(group, 5);
    if (group.rank() == 1) {
      if (fork() == 0) {
        usleep(3'000'000);
        _exit(0);
      }
      raise(SIGKILL);
    }
    expect_lost([&] { all_reduce(group, 5); }, HasSubstr("rank 1 ended"));
  });
  EXPECT_EQ(ended[0], 0);
}

TEST(Failures, NameTheRankThatIsStoppedAtTheDeadline) {
  EXPECT_THAT(
      run_members(3,
                  [](const auto& region) {
                    Communicator group(region);
                    all_reduce(group, 5);
                    const auto message = AllOf(
                        HasSubstr("all_reduce number 2 of 5 float32 (sum) Timed out after 0.3 s"),
                        HasSubstr("rank 2 ("), HasSubstr("did not come"));
                    if (group.rank() == 2) {
                      usleep(600'000);
                      expect_lost([&] { all_reduce(group, 5); }, message);
                    } else {
                      expect_lost([&] { all_reduce(group, 5, 300ms); }, message);
                    }
                  }),
      Each(0));
}

TEST(Failures, ShowEachRanksLastCall) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Communicator group(region);
                            EXPECT_EQ(group.flight()[0].substr(0, 8), "rank 0: ");
                            all_reduce(group, 5);
                            group.barrier(1min);
                            EXPECT_THAT(group.flight(), testing::SizeIs(2));
                            EXPECT_THAT(group.flight()[static_cast<size_t>(group.rank())],
                                        HasSubstr("barrier number 2, finished"));
                          }),
              Each(0));
}

TEST(Failures, EndAReceiveWhoseSenderIsKilledOrLate) {
  const auto ended = run_members(3, [](const auto& region) {
    Mailbox mailbox(region);
    std::vector<std::byte> data(10);
    if (region->rank() == 1) raise(SIGKILL);
    if (region->rank() == 2) usleep(100'000);
    const auto wait = [&] {
      const auto request = mailbox.receive(data, 1, 0, 1min);
      while (!request->done) {
        mailbox.progress();
        mailbox.wait();
      }
    };
    expect_lost(wait, HasSubstr("rank 1 ended: rank "));
  });
  EXPECT_EQ(ended[0], 0);
  EXPECT_EQ(ended[2], 0);
}

}  // namespace
}  // namespace ringtrain::collectives
