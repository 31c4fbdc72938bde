// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/strategy.hpp"

namespace ringtrain {

// Averages gradients in every step: the ranks hold the same parameters at all times, and the result
// of a job does not depend on their number.
class EveryStep final : public AveragingStrategy {
 public:
  EveryStep(CommunicationThread& thread, GradientAverager& averager)
      : thread_(thread), averager_(averager) {}

  uint64_t samples_in_mean(uint64_t /*rows*/, uint64_t global_rows) const override {
    return global_rows;
  }
  bool finish_gradients(const Agree& agree) override {
    bool finite = false;
    agree([&](SumSlots& slots) { finite = averager_.finish(slots); });
    return finite;
  }
  void finish_step(int64_t, bool, const Agree&) override {}
  void restore(const std::function<void()>& restore) override { restore(); }

  CommunicationThread& ranks() override { return thread_; }

 private:
  CommunicationThread& thread_;
  GradientAverager& averager_;
};

}  // namespace ringtrain
