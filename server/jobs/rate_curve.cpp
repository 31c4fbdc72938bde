// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/rate_curve.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ringtrain::server {

RateCurve::Law RateCurve::through(const RatePoint& one, const RatePoint& other) {
  const double parallel = (1 / one.rate - 1 / other.rate) / (1.0 / one.ranks - 1.0 / other.ranks);
  return {.serial = 1 / one.rate - parallel / one.ranks, .parallel = parallel};
}

// Least squares of (serial + parallel / ranks) * rate = 1, with neither part below 0.
RateCurve::Law RateCurve::fit(const std::vector<RatePoint>& points) {
  double aa = 0, ab = 0, bb = 0, a = 0, b = 0;
  for (const RatePoint& one : points) {
    const double x = one.rate;
    const double y = one.rate / one.ranks;
    aa += x * x, ab += x * y, bb += y * y, a += x, b += y;
  }
  if (bb <= 0) return {};
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-9 * aa * bb) {
    const Law law{(a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant};
    if (law.serial >= 0 && law.parallel >= 0) return law;
    if (law.parallel < 0) return {.serial = a / aa};
  }
  return {.parallel = b / bb};
}

RateCurve::RateCurve(std::vector<RatePoint> own, const std::vector<RatePoint>& similar)
    : own_(std::move(own)) {
  const auto is_useless = [](const RatePoint& one) { return !(one.rate > 0) || one.ranks < 1; };
  std::erase_if(own_, is_useless);
  std::sort(own_.begin(), own_.end(),
            [](const RatePoint& one, const RatePoint& two) { return one.ranks < two.ranks; });
  std::vector<RatePoint> others = similar;
  std::erase_if(others, is_useless);
  law_ = fit(others.empty() ? own_ : others);
  if (own_.size() != 1 || !(law_.serial + law_.parallel > 0)) return;
  const double height = own_[0].rate / law_.rate(own_[0].ranks);
  law_ = {law_.serial / height, law_.parallel / height};
}

bool RateCurve::has(int ranks) const {
  return std::any_of(own_.begin(), own_.end(),
                     [&](const RatePoint& one) { return one.ranks == ranks; });
}

double RateCurve::at(int ranks) const {
  const auto next = std::find_if(own_.begin(), own_.end(),
                                 [&](const RatePoint& one) { return one.ranks >= ranks; });
  if (next != own_.end() && next->ranks == ranks) return next->rate;
  if (!is_known()) return 0;
  if (own_.size() < 2) return law_.rate(ranks);
  const auto least = std::next(own_.begin());
  const auto upper = next == own_.end() ? std::prev(own_.end()) : std::max(least, next);
  const RatePoint& lower = *std::prev(upper);
  const Law law = through(lower, *upper);
  // Beside the points a falling rate is not continued: there is nothing to be known of it.
  const bool is_between = next != own_.end() && next != own_.begin();
  if (!is_between && law.parallel < 0) return next == own_.end() ? upper->rate : lower.rate;
  const double seconds = law.serial + law.parallel / ranks;
  return seconds > 0 ? 1 / seconds : upper->rate;
}

}  // namespace ringtrain::server
