// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmarks/predict/prediction.hpp"

namespace ringtrain::benchmarks {

// Returns the seconds of one step of hosts of one rank each, by a simulation with SimGrid's S4U: a
// training and a communicating actor a rank, rings, a switch that never limits. In a process of its
// own, as SimGrid simulates once.
double simulated_seconds(const Scenario& scenario);

}  // namespace ringtrain::benchmarks
