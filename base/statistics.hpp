// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace ringtrain {

// Returns the value below which a share `q` (0 to 1) of the values lies, interpolated linearly
// between the two nearest (Hyndman and Fan 1996, type 7; NumPy's default). 0 if there are none.
double quantile(std::vector<double> values, double q);

// Returns the middle value, or the mean of the two in the middle. 0 if there are no values.
double median(std::vector<double> values);

struct Interval {
  double low = 0;
  double high = 0;
  double coverage = 0;  // probability that it holds the true value; below 0.95 with few values
};

// Returns an interval for the median of the distribution that independent values come from.
//
// Fewer than 10 values: the narrowest pair of order statistics, the k-th value and the k-th from
// the end, that covers the median with at least 95%, whatever the distribution (coverage
// 1 - 2 P(B <= k - 1), where B is binomial of n and 1/2); the least and the greatest value if none
// does, as with fewer than 6. From 10 on: the 2.5% and 97.5% quantiles of the medians of 10,000
// resamples, from a fixed seed (Efron's percentile bootstrap). {0, 0, 0} if there are no values.
Interval median_interval(std::vector<double> values);

// Returns the probability of a mean as far from 0 as that of `differences`, or farther, if each
// were as likely with the opposite sign: the two-sided sign-flip test of paired differences
// (Fisher 1935). Exact up to 16 values, else estimated by 100,000 draws from a fixed seed. The
// least that n values can give is 2^(1 - n), so that fewer than 6 never show p < 0.05. 1 if there
// are none.
double sign_flip_p(const std::vector<double>& differences);

}  // namespace ringtrain
