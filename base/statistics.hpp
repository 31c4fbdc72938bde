// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace ringtrain {

// Returns the value below which a share `q` (0 to 1) of the values lies, interpolated linearly
// between the two nearest (Hyndman and Fan 1996, type 7; NumPy's default). 0 if there are none.
double quantile(std::vector<double> values, double q);

// Returns the middle value, or the mean of the two in the middle. 0 if there are no values.
double median(std::vector<double> values);

}  // namespace ringtrain
