// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ringtrain::benchmarks {

// Returns the value below which a standard normal variable lies with probability p, 0 < p < 1
// (Acklam's rational approximation, relative error below 1.2e-9).
double normal_quantile(double p);

// Returns by how many standard deviations the largest of `ranks` independent normal values exceeds
// their mean, on average: the quantile of (n - 3/8) / (n + 1/4) (Blom 1958). 0 for one rank.
double largest_of(int ranks);
// The same for values with an exponential tail: the harmonic number less 1.
double largest_of_exponential(int ranks);

}  // namespace ringtrain::benchmarks
