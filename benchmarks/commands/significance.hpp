// SPDX-License-Identifier: Apache-2.0
// Tests of two runs that nothing pairs, and of several rows at once.
#pragma once

#include <vector>

namespace ringtrain::benchmarks {

// Returns the probability of ranks as uneven as these, or more, if both came from one distribution:
// the two-sided U test (Mann and Whitney 1947), as benchstat's. Exact, by all ways of dividing the
// values, ties included, up to 12 values of each; from there on by the normal approximation,
// corrected for ties and continuity. 1 if either has no values.
double mann_whitney_p(const std::vector<double>& a, const std::vector<double>& b);

// Returns the probabilities of several tests, adjusted so that with no difference in any of them
// one below 0.05 comes about at most 5 times in 100 (Holm 1979). In the order of the argument.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace ringtrain::benchmarks
