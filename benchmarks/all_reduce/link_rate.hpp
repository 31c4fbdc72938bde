// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/comm/world.hpp"

namespace ringtrain::benchmarks {

// Bytes per second that TCP carries from each node to the next one while it receives as much from
// the one before, by the first rank of every node and one connection each way: the slowest node's.
// What `iperf3 --bidir` measures between two hosts. Throws a lost error where no connection
// comes about. Collective; for worlds of several nodes.
double link_rate(const World& world, double seconds);

}  // namespace ringtrain::benchmarks
