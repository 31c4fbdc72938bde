// SPDX-License-Identifier: Apache-2.0
#include "runtime/gradients/spread.hpp"

namespace ringtrain {

// A broadcast made of what is there: the first rank's values plus nothing from everybody else. That
// nothing is -0, since x + -0 has the bits of x for every x, -0 included.
void spread(
    const torch::Tensor& slab, Communicator& communicator, Exchange& exchange,
    const std::vector<Range>& buckets, Device& device,
    const std::function<void(size_t bucket, Range share, const torch::Tensor& values)>& take) {
  const torch::NoGradGuard no_grad;
  const size_t elements = buckets.empty() ? 0 : buckets.back().end;
  torch::Tensor gradients = view_of(communicator.gradients(), {0, elements}, device);
  if (communicator.is_first()) {
    gradients.copy_(slab);
  } else {
    gradients.fill_(-0.0F);
  }
  std::vector<double> nothing(1);
  exchange.sum(nothing);
  for (size_t b = 0; b < buckets.size(); ++b) {
    exchange.wait(exchange.reduce(buckets[b]));
    const Range share = communicator.share(buckets[b]);
    take(b, share, view_of(communicator.gradients(), share, device));
  }
  exchange.publish();
  gradients.zero_();
}

}  // namespace ringtrain
