// SPDX-License-Identifier: Apache-2.0
// Steps that are captured and replayed, on any number of ranks, against the same steps run eagerly.
// The device here stands in for a GPU: it has the same calls recorded and replayed, on the CPU.
#include "runtime/train/captured_step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/device/device_cpu.hpp"
#include "tests/integration/rank_parts.hpp"

namespace ringtrain {
namespace {

using Backend = CommOptions::Backend;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kRows = 6;  // of every rank
constexpr int kSteps = 10;
constexpr int kShortStep = 6;

class RecordingDevice final : public CpuDevice {
 public:
  enum class Fault { none, refuses, differs };
  RecordingDevice(bool on, Fault fault) : on_(on), fault_(fault) {}

  bool records() const override { return on_; }

  // The host's part of the work happens now, the device's at every replay. Here the two are one, so
  // what it has changed now is changed back.
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    std::vector<torch::Tensor> before;
    for (const auto& buffer : model->buffers()) before.push_back(buffer.tensor.clone());
    work();
    for (size_t i = 0; i < before.size(); ++i) model->buffers()[i].tensor.copy_(before[i]);
    collect_stats();
    if (fault_ == Fault::refuses) throw std::runtime_error("not this one\nfor a long reason");
    return std::make_unique<Replay>(*this, work);
  }

  Model* model = nullptr;
  int replays = 0;

 private:
  struct Replay final : Recording {
    Replay(RecordingDevice& d, std::function<void()> w) : device(d), work(std::move(w)) {}
    void replay() override {
      ++device.replays;
      work();
      if (device.fault_ == Fault::differs) work();
    }
    RecordingDevice& device;
    std::function<void()> work;
  };

  bool on_;
  Fault fault_;
};

class Training : RankParts {
 public:
  Training(const std::string& name, Backend backend, bool records,
           RecordingDevice::Fault fault = RecordingDevice::Fault::none)
      : RankParts(std::make_unique<RecordingDevice>(records, fault), model_options(name),
                  make_model, {.backend = backend}, 10'000),
        recording_(static_cast<RecordingDevice&>(*device)),
        step_(
            [this](const torch::Tensor& x, const torch::Tensor& y,
                   const CapturedStep::LastBackward& last) {
              const torch::Tensor loss = torch::nn::functional::cross_entropy(
                  torch::dropout(model->forward(x), 0.1, /*train=*/true), y,
                  torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
              last(loss);
              return loss.detach().to(torch::kFloat64);
            },
            /*enabled=*/true, *device, *model, averager,
            [this](const std::string& line) { log.push_back(line); }) {
    recording_.model = model.get();
    model->train(true);
  }

  static ModelOptions model_options(const std::string& name) {
    return {.name = name,
            .hidden = {},
            .channels = 1,
            .height = 16,
            .width = 16,
            .classes = 4,
            .seed = 5};
  }

  // Takes step s on samples of its own, and fewer of them in one, as at the end of an epoch.
  double run_step(int s) {
    torch::manual_seed(static_cast<uint64_t>(100 * s + test_world().rank()));
    const int64_t rows = s == kShortStep ? kRows / 2 : kRows;
    const int replays_before = replays();
    const CapturedStep::Reads into = step_.reads(rows);
    const double loss = step_
                            .run({.inputs = put(torch::randn({rows, 1, 16, 16}), into.inputs),
                                  .labels = put(torch::arange(rows) % 4, into.labels),
                                  .scale = 1.0F / static_cast<float>(rows * test_world().size()),
                                  .seed = static_cast<uint64_t>(s)})
                            .item<double>();
    if (replays() > replays_before) replayed_steps.push_back(s);
    SumSlots slots;
    const auto summed = slots.add("loss", loss);
    EXPECT_TRUE(averager.finish(slots));
    float* parameters = collectives->slabs().parameters;
    for (size_t b = 0; b < space.buckets.size(); ++b) {
      const float* sums = schedule->wait(b)[0];
      const Range share = space.shares[b];
      for (size_t i = share.begin; i < share.end; ++i) parameters[i] -= 0.05F * sums[i];
    }
    thread.all_gather(space.buckets);
    return slots[summed];
  }

  std::vector<torch::Tensor> state() const {
    std::vector<torch::Tensor> all;
    for (const auto& parameter : model->parameters()) all.push_back(parameter.tensor.clone());
    for (const auto& buffer : model->buffers()) all.push_back(buffer.tensor.clone());
    return all;
  }
  int replays() const { return recording_.replays; }
  void average_statistics(bool on_device) {
    const auto sum = [this](std::span<double> values) { thread.all_reduce(values); };
    const auto start = [sum](const torch::Tensor& floats) {
      torch::Tensor doubles = floats.to(torch::kFloat64);
      sum({doubles.data_ptr<double>(), static_cast<size_t>(doubles.numel())});
      floats.copy_(doubles);
    };
    const int rank = test_world().rank(), ranks = test_world().size();
    model->set_sum_over_ranks(
        sum, on_device ? SumOnDevice{.rank = rank, .ranks = ranks, .start = start} : SumOnDevice{});
  }

  std::vector<std::string> log;
  std::vector<int> replayed_steps;

 private:
  // The graph's own tensor is filled where there is one, as a device does it.
  static torch::Tensor put(const torch::Tensor& values, const torch::Tensor& into) {
    return into.defined() ? into.copy_(values) : values;
  }

  RecordingDevice& recording_;
  CapturedStep step_;
};

void expect_same_steps(Training& one, Training& two, int steps = kSteps) {
  for (int s = 0; s < steps; ++s) EXPECT_EQ(one.run_step(s), two.run_step(s)) << s;
  const auto expected = two.state();
  const auto state = one.state();
  for (size_t i = 0; i < state.size(); ++i) EXPECT_TRUE(torch::equal(state[i], expected[i])) << i;
}

class CapturedStepTest : public testing::TestWithParam<std::tuple<std::string, Backend>> {};

TEST_P(CapturedStepTest, TrainsLikeEagerSteps) {
  const auto& [name, backend] = GetParam();
  Training captured(name, backend, true);
  Training eager(name, backend, false);
  expect_same_steps(captured, eager);
  // From the capture on, every step of full size is replayed, once.
  ASSERT_FALSE(captured.replayed_steps.empty());
  const int first = captured.replayed_steps[0];
  EXPECT_GT(first, 0);
  EXPECT_LT(first, kShortStep);
  std::vector<int> expected;
  for (int s = first; s < kSteps; ++s) {
    if (s != kShortStep) expected.push_back(s);
  }
  EXPECT_EQ(captured.replayed_steps, expected);
  EXPECT_EQ(captured.replays(), static_cast<int>(expected.size()));
  EXPECT_EQ(eager.replays(), 0);
  EXPECT_TRUE(captured.log.empty());
}

TEST_P(CapturedStepTest, RunsEagerlyIfTheDeviceCannotCapture) {
  const auto& [name, backend] = GetParam();
  Training refused(name, backend, true, RecordingDevice::Fault::refuses);
  Training eager(name, backend, false);
  expect_same_steps(refused, eager);
  EXPECT_EQ(refused.replays(), 0);
  ASSERT_EQ(refused.log.size(), 1U);
  EXPECT_TRUE(refused.log[0].ends_with("not this one"));
}

TEST_P(CapturedStepTest, RunsEagerlyIfTheGraphDoesNotPassItsTest) {
  const auto& [name, backend] = GetParam();
  Training different(name, backend, true, RecordingDevice::Fault::differs);
  Training eager(name, backend, false);
  expect_same_steps(different, eager);
  EXPECT_EQ(different.replays(), 1);
  EXPECT_THAT(different.log,
              ElementsAre(HasSubstr("differ from those of the same step run eagerly")));
}

// Sums over ranks on the device are captured like the rest.
TEST(CapturedStepOfResnet, HasBatchNormalisationThatSumsOnTheDevice) {
  Training captured("resnet18", Backend::mpi, true), eager("resnet18", Backend::mpi, false);
  captured.average_statistics(/*on_device=*/true);
  eager.average_statistics(/*on_device=*/true);
  expect_same_steps(captured, eager, kShortStep);
  EXPECT_GT(captured.replays(), 0);
  EXPECT_TRUE(captured.log.empty());
}

// One rank cannot capture its steps: each of the others would run more passes than it does.
TEST(CapturedStepOfResnet, IsGivenUpByAllRanksTogether) {
  const bool last = test_world().rank() + 1 == test_world().size();
  using Fault = RecordingDevice::Fault;
  Training given_up("resnet18", Backend::mpi, true, last ? Fault::refuses : Fault::none);
  Training eager("resnet18", Backend::mpi, false);
  given_up.average_statistics(/*on_device=*/true);
  eager.average_statistics(/*on_device=*/true);
  expect_same_steps(given_up, eager, kShortStep);
  EXPECT_EQ(given_up.replays(), 0);
  EXPECT_THAT(given_up.log, ElementsAre(HasSubstr(last ? "not this one" : "another rank cannot")));
}

// The host's sums over ranks cannot be captured: nothing is tried, and nothing is wrong.
TEST(CapturedStepOfResnet, IsNotTriedIfBatchNormalisationWaitsForRanks) {
  Training training("resnet18", Backend::mpi, true);
  training.average_statistics(/*on_device=*/false);
  for (int s = 0; s < kShortStep; ++s) training.run_step(s);
  EXPECT_EQ(training.replays(), 0);
  EXPECT_TRUE(training.log.empty());
}

INSTANTIATE_TEST_SUITE_P(All, CapturedStepTest,
                         testing::Combine(testing::Values("mlp", "lenet5", "resnet18"),
                                          testing::Values(Backend::shared_memory, Backend::mpi)),
                         [](const auto& test) {
                           return std::get<0>(test.param) +
                                  (std::get<1>(test.param) == Backend::mpi ? "_mpi" : "_shared");
                         });

}  // namespace
}  // namespace ringtrain
