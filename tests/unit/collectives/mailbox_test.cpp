// SPDX-License-Identifier: Apache-2.0
#include "collectives/mailbox.hpp"

#include <gmock/gmock.h>

#include "collectives/communicator.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/collectives/forked_members.hpp"

namespace ringtrain::collectives {
namespace {

using testing::Each;
using testing::HasSubstr;
using namespace std::chrono_literals;
using Bytes = std::vector<std::byte>;

void wait_for(Mailbox& mailbox, const std::shared_ptr<Mailbox::Request>& request) {
  while (!request->done) {
    mailbox.progress();
    if (!request->done) mailbox.wait();
  }
}

class MailboxTest : public testing::TestWithParam<int> {};

// Longer than a ring, so nobody can finish before the other has begun to read.
TEST_P(MailboxTest, LetsAllRanksSendToTheNextBeforeTheyReceive) {
  EXPECT_THAT(run_members(GetParam(),
                          [](const auto& region) {
                            Mailbox mailbox(region);
                            const int size = region->size(), rank = region->rank();
                            for (const size_t bytes : {0UL, 1UL, 1000UL, 262'144UL, 3'000'001UL}) {
                              const Bytes out(bytes, std::byte(rank + 1));
                              Bytes in(bytes);
                              const auto sent = mailbox.send(out, (rank + 1) % size, 5, 1min);
                              const auto received =
                                  mailbox.receive(in, (rank + size - 1) % size, 5, 1min);
                              wait_for(mailbox, sent);
                              wait_for(mailbox, received);
                              ASSERT_EQ(received->error, "");
                              ASSERT_THAT(in, Each(std::byte((rank + size - 1) % size + 1)));
                            }
                            Communicator(region).barrier(1min);
                          }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, MailboxTest, testing::Values(2, 3, 8));

TEST(Mailbox, GivesEachTagItsMessagesInOrder) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Mailbox mailbox(region);
                            const std::vector<int> tags = {3, 1, 3, 2, 1};
                            if (region->rank() == 0) {
                              for (size_t i = 0; i < tags.size(); ++i)
                                wait_for(mailbox,
                                         mailbox.send(Bytes(100, std::byte(i)), 1, tags[i], 1min));
                            } else {
                              for (const size_t i : {1UL, 3UL, 0UL, 4UL, 2UL}) {
                                Bytes in(100);
                                wait_for(mailbox, mailbox.receive(in, 0, tags[i], 1min));
                                ASSERT_THAT(in, Each(std::byte(i)));
                              }
                            }
                            Communicator(region).barrier(1min);
                          }),
              Each(0));
}

TEST(Mailbox, ReceivesFromAnyRankAndNamesIt) {
  EXPECT_THAT(
      run_members(4,
                  [](const auto& region) {
                    Mailbox mailbox(region);
                    if (region->rank() > 0) {
                      wait_for(mailbox,
                               mailbox.send(Bytes(10, std::byte(region->rank())), 0, 0, 1min));
                    } else {
                      int seen = 0;
                      for (int i = 1; i < 4; ++i) {
                        Bytes in(10);
                        const auto request = mailbox.receive(in, Mailbox::kAnySource, 0, 1min);
                        wait_for(mailbox, request);
                        ASSERT_THAT(in, Each(std::byte(request->peer)));
                        seen |= 1 << request->peer;
                      }
                      ASSERT_EQ(seen, 0b1110);
                    }
                    Communicator(region).barrier(1min);
                  }),
      Each(0));
}

TEST(Mailbox, NamesBothSizesWhereTheyDiffer) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Mailbox mailbox(region);
                            if (region->rank() == 0) {
                              wait_for(mailbox, mailbox.send(Bytes(7), 1, 0, 1min));
                            } else {
                              Bytes in(8);
                              const auto request = mailbox.receive(in, 0, 0, 1min);
                              wait_for(mailbox, request);
                              EXPECT_THAT(request->error,
                                          HasSubstr("of 8 bytes with tag 0: rank 0 sent 7"));
                            }
                            Communicator(region).barrier(1min);
                          }),
              Each(0));
}

TEST(Mailbox, ReportsARequestThatIsDoneAtOnce) {
  EXPECT_THAT(run_members(1,
                          [](const auto& region) {
                            Mailbox mailbox(region);
                            const auto sent = mailbox.send(Bytes(10), 0, 0, 1min);
                            EXPECT_THAT(mailbox.progress(), testing::ElementsAre(sent));
                          }),
              Each(0));
}

TEST(Mailbox, ReadsWhatHasArrivedBeforeItGivesUp) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Mailbox mailbox(region);
                            Communicator group(region);
                            Bytes in(10);
                            if (region->rank() == 0) {
                              const auto request = mailbox.receive(in, 1, 0, 1ms);
                              group.barrier(1min);
                              group.barrier(1min);
                              usleep(150'000);  // the mailbox looks at deadlines every 100 ms
                              mailbox.wait();
                              EXPECT_TRUE(request->done);
                            } else {
                              group.barrier(1min);
                              wait_for(mailbox, mailbox.send(in, 0, 0, 1min));
                              group.barrier(1min);
                            }
                          }),
              Each(0));
}

// The sizes of a message are its sender's word.
TEST(Mailbox, BreaksTheGroupWhereAMessageDoesNotFitTheMemory) {
  EXPECT_THAT(
      run_members(2,
                  [](const auto& region) {
                    Mailbox mailbox(region);
                    Bytes some(1'000'000);
                    const auto call = [&] {
                      if (region->rank() == 0) mailbox.send({some.data(), ~size_t{0}}, 1, 0, 1min);
                      const auto request = mailbox.receive(some, 1 - region->rank(), 1, 1min);
                      wait_for(mailbox, request);
                    };
                    EXPECT_THAT(call, ThrowsError(ErrorKind::lost, HasSubstr("rank 1, messages:")));
                  }),
      Each(0));
}

TEST(Mailbox, GivesUpAtTheDeadline) {
  EXPECT_THAT(run_members(2,
                          [](const auto& region) {
                            Mailbox mailbox(region);
                            Bytes in(8);
                            const auto wait = [&] {
                              wait_for(mailbox, mailbox.receive(in, 1 - region->rank(), 0, 200ms));
                            };
                            EXPECT_THAT(wait,
                                        ThrowsError(ErrorKind::lost,
                                                    HasSubstr("Timed out after 0.2 s: rank")));
                          }),
              Each(0));
}

}  // namespace
}  // namespace ringtrain::collectives
