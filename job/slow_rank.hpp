// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ringtrain {

// How many times the others' median time of a step a rank must take to be called slow, in the log
// and after a run.
inline constexpr double kSlowRank = 1.5;

}  // namespace ringtrain
