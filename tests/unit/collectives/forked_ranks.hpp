// SPDX-License-Identifier: Apache-2.0
// Ranks of a node as real processes: children of the test.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "collectives/node.hpp"
#include "collectives/node_barrier.hpp"

namespace ringtrain::collectives {

// Memory that a process shares with its children: how ranks exchange bytes before they share more.
class Blackboard {
 public:
  Blackboard(int ranks, std::chrono::duration<double> timeout)
      : ranks_(ranks),
        timeout_(timeout),
        board_(new (mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                         -1, 0)) Board{}) {}
  ~Blackboard() { munmap(board_, sizeof(Board)); }
  Blackboard(const Blackboard&) = delete;
  Blackboard& operator=(const Blackboard&) = delete;

  std::vector<std::string> all_gather(int rank, const std::string& mine) {
    NodeBarrier barrier(&board_->barrier, ranks_, /*oversubscribed=*/true, timeout_);
    std::strncpy(board_->text[rank], mine.c_str(), kText - 1);
    barrier.wait();
    std::vector<std::string> all;
    for (int r = 0; r < ranks_; ++r) all.emplace_back(board_->text[r]);
    barrier.wait();
    return all;
  }

 private:
  static constexpr int kMostRanks = 8, kText = 512;
  struct Board {
    NodeBarrier::State barrier;
    char text[kMostRanks][kText];
  };
  int ranks_;
  std::chrono::duration<double> timeout_;
  Board* board_;
};

// Runs `rank_main` in as many processes and returns how each ended, as waitpid() has it: 0 where
// it returned and no expectation failed.
inline std::vector<int> run_ranks(int ranks, const std::function<void(const Node&)>& rank_main,
                                  std::chrono::duration<double> timeout = std::chrono::minutes(1)) {
  Blackboard board(ranks, timeout);
  std::vector<pid_t> children;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        rank_main(
            {.rank = rank,
             .size = ranks,
             .all_gather = [&, rank](const std::string& s) { return board.all_gather(rank, s); },
             .timeout = timeout,
             .oversubscribed = true});
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << rank << ": " << error.what();
      }
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    children.push_back(child);
  }
  std::vector<int> status(children.size());
  for (size_t i = 0; i < children.size(); ++i) waitpid(children[i], &status[i], 0);
  return status;
}

}  // namespace ringtrain::collectives
