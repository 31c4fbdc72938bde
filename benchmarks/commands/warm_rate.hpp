// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace ringtrain::benchmarks {

// Returns the samples per second of a run on a GPU, from its events: the median of the rates that
// it reported, a few a second, from one second after the first on. Its start loads modules, plans
// convolutions and captures the step. Nothing if the run was shorter.
std::optional<double> rate_once_warm(std::string_view events);

}  // namespace ringtrain::benchmarks
