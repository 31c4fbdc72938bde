// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "base/sum_slots.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// The way of a gradient from autograd to the optimizer. As the backward pass finishes with a
// gradient, one pass over it scales it, tests it, and stores it in the slab; when all of a bucket
// has arrived, the bucket goes to the exchange, in the same order on every rank; the rest of the
// backward pass goes on meanwhile.
//
//   averager.begin(1.0F / global_rows);
//   loss.backward();
//   if (averager.finish(slots)) for (each bucket b) { averager.wait(b); update the share of b; }
//
// Gradients are taken out of .grad; nothing is added to what was there before, and nothing is
// copied back.
class GradientAverager {
 public:
  // Makes the model's parameters views of the communicator's parameter slab, and gives them the
  // values that they have on the first rank. All must outlive the averager. Collective.
  GradientAverager(Model& model, const SlabLayout& layout, const std::vector<Range>& buckets,
                   int world_size, Communicator& communicator, Exchange& exchange, Device& device);
  ~GradientAverager();
  GradientAverager(const GradientAverager&) = delete;
  GradientAverager& operator=(const GradientAverager&) = delete;

  // Before the step's last backward pass: each gradient will be multiplied by `scale`. (Passes
  // before begin() and after finish() add up in .grad as usual: gradient accumulation.)
  void begin(float scale);

  // A pass on the side, for the device to record or to compare with: its gradients are stored, and
  // nothing is handed over. Between two steps. Returns the order in which gradients arrived.
  std::vector<size_t> store_aside(float scale, const std::function<void()>& backward);
  // Stands for begin() and a backward pass where a recording of store_aside() is replayed.
  void replayed(const std::vector<size_t>& arrived);

  // Ends the backward pass, and sums `slots` over the ranks along the way. Returns false, on every
  // rank alike, if a gradient of some rank is not finite: then the step must be skipped.
  bool finish(SumSlots& slots);

  // Until the sum of bucket b over all ranks lies in this rank's share of it.
  void wait(size_t bucket);

  // The first parameter with a non-finite gradient on this rank in the last step; empty if none.
  const std::string& culprit() const { return culprit_; }

 private:
  void spread_initial_parameters();
  void on_ready(size_t parameter);
  void store(size_t parameter);
  template <class Element>
  void store_in(Element* slab, size_t parameter);
  void find_culprit();
  void store_missing();
  void pass_on_complete_buckets();

  std::vector<NamedTensor> parameters_;
  const SlabLayout& layout_;
  const std::vector<Range>& buckets_;
  Communicator& communicator_;
  Exchange& exchange_;
  Device& device_;

  bool active_ = false;
  bool aside_ = false;
  float scale_ = 1;
  double largest_squared_norm_;
  std::vector<bool> stored_;    // by parameter
  std::vector<size_t> packed_;  // the parameters that had a gradient, as they arrived
  size_t complete_ = 0;  // parameters stored, counted in the slab's order up to the first gap
  size_t written_ = 0;   // buckets, so far
  std::vector<Exchange::Ticket> tickets_;  // by bucket, of those handed over in this step
  std::string culprit_;
};

}  // namespace ringtrain
