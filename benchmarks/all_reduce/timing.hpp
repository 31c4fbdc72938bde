// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "runtime/comm/world.hpp"

namespace ringtrain::benchmarks {

// Seconds that a collective call takes from all ranks being ready to its end on all of them: the
// median over calls. Before each call every rank prepares, which is not timed, and all meet at a
// barrier. Ranks of one node read one clock: the last start and the last end count. Over several
// nodes it is the time on the rank that came last. `seconds`: about how long all of it may last.
// Collective.
double seconds_per_call(const World& world, const std::function<void()>& prepare,
                        const std::function<void()>& call, double seconds);

}  // namespace ringtrain::benchmarks
