// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace ringtrain::collectives {

// One rank's place among the ranks of its node, and how they meet before they share memory.
struct Node {
  int rank = 0;  // among the node's ranks
  int size = 1;
  // Returns the bytes that every rank gives, by rank. Collective; called during construction alone,
  // and not where size is 1.
  std::function<std::vector<std::string>(const std::string& mine)> all_gather = {};
  std::chrono::duration<double> timeout = std::chrono::minutes(5);  // of a wait for other ranks
  bool oversubscribed = false;  // more ranks than cores: waiting ranks do not spin
};

}  // namespace ringtrain::collectives
