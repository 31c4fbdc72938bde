// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/strategy.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// communication.sync_every: K above 1. Every rank takes K steps by itself, on its slices of the
// batches; then parameters and optimizer state become their means over the ranks (Stich 2019; with
// momentum Yu, Jin and Yang 2019). After each mean all ranks are the same again, and checkpoints
// and evaluations are possible.
//
//   step      1     2   ...   K              K+1
//   rank 0  [step][step]...[step]--\      /-[step]...
//   rank 1  [step][step]...[step]---mean----[step]...
//   rank 2  [step][step]...[step]--/      \-[step]...
class LocalSgd final : public AveragingStrategy {
 public:
  // ranks: collectives over all ranks of the job, used for nothing else: their slabs carry what is
  // averaged. arrays: the slabs of this rank that are averaged (parameters and optimizer state), in
  // memory of the device. averager: this rank's own, over collectives of one rank. All references
  // must outlive the object.
  LocalSgd(int sync_every, std::unique_ptr<Collectives> ranks, std::vector<float*> arrays,
           const ParameterSpace& space, GradientAverager& averager, const Model& model,
           Device& device);

  uint64_t samples_in_mean(uint64_t rows, uint64_t global_rows) const override;
  bool finish_gradients(const Agree& agree) override;
  void finish_step(int64_t step, bool epoch_over, const Agree& agree) override;
  void restore(const std::function<void()>& restore) override;

  CommunicationThread& ranks() override { return thread_; }

 private:
  void average();
  void broadcast();

  int sync_every_;
  std::unique_ptr<Collectives> collectives_;
  CommunicationThread thread_;
  std::vector<float*> arrays_;
  const ParameterSpace& space_;
  GradientAverager& averager_;
  const Model& model_;
  Device& device_;
};

}  // namespace ringtrain
