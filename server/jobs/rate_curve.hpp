// SPDX-License-Identifier: Apache-2.0
// How fast a job trains on any number of ranks, from what was measured on a few.
#pragma once

#include <span>
#include <vector>

namespace ringtrain::server {

struct RatePoint {
  int ranks = 1;
  double rate = 0;  // samples a second
};

// A number of ranks that was measured has its own rate. Between and beside them Amdahl's law goes
// through the two nearest: time of a sample = serial + parallel / ranks. A job that was measured
// once has the shape of similar jobs' law (least squares of relative errors), or is taken for one
// without a serial part, until it is tried.
class RateCurve {
 public:
  RateCurve() = default;
  // own: of this job, each number of ranks once. similar: of jobs with the same model and data,
  // perhaps on another machine.
  RateCurve(std::vector<RatePoint> own, const std::vector<RatePoint>& similar);

  bool is_known() const { return !own_.empty() || law_.serial + law_.parallel > 0; }
  // Whether the job itself was measured on so many.
  bool has(int ranks) const;
  // Returns samples a second; 0 where nothing is known.
  double at(int ranks) const;

 private:
  struct Law {  // seconds of a sample
    double serial = 0;
    double parallel = 0;
    double rate(int ranks) const { return 1 / (serial + parallel / ranks); }
  };
  static Law through(const RatePoint& one, const RatePoint& other);
  static Law fit(const std::vector<RatePoint>& points);

  std::vector<RatePoint> own_;  // by ranks, ascending
  Law law_;                     // where fewer than two points are our own
};

}  // namespace ringtrain::server
