// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/trace_profile.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::benchmarks {
namespace {

using testing::HasSubstr;

class Timeline {
 public:
  // Times in microseconds. more: members behind the others, with a comma first.
  void span(const std::string& category, const std::string& name, int process, int thread,
            double begin, double duration, const std::string& more = "") {
    events_.push_back(
        fmt::format(R"({{"ph":"X","cat":"{}","name":"{}","pid":{},"tid":{},"ts":{},"dur":{}{}}})",
                    category, name, process, thread, begin, duration, more));
  }
  void moment(const std::string& name, int process, double at) {
    events_.push_back(fmt::format(R"({{"ph":"i","name":"{}","pid":{},"tid":0,"ts":{},"s":"t"}})",
                                  name, process, at));
  }
  std::string json() const {
    return fmt::format("{{\"traceEvents\":[{}]}}", fmt::join(events_, ",\n"));
  }

 private:
  std::vector<std::string> events_;
};

// Two ranks on two hosts: 100 us forward, 200 backward, two buckets, 30 of waiting, 20 optimizer.
std::string ringtrain_trace() {
  Timeline timeline;
  for (int rank = 0; rank < 2; ++rank) {
    for (int i = 0; i < 8; ++i) {
      const double t = 1000.0 * i;
      timeline.span("", "load", rank, 0, t - 20, 10);
      timeline.span("", "step", rank, 0, t, 360);
      timeline.span("", "forward and backward", rank, 0, t, 300);
      timeline.span("", "forward", rank, 0, t, 100);
      timeline.span("", "backward", rank, 0, t + 100, 200);
      timeline.moment("bucket ready", rank, t + 200);
      timeline.span("", "reduce_scatter", rank, 1, t + 200, 50, R"(,"args":{"bytes":4096})");
      timeline.moment("bucket ready", rank, t + 300);
      timeline.span("", "reduce_scatter", rank, 1, t + 300, 30, R"(,"args":{"bytes":1024})");
      timeline.span("", "agree", rank, 0, t + 300, 35);
      timeline.span("", "wait", rank, 0, t + 300, 30);
      timeline.span("", "optimizer", rank, 0, t + 335, 25);
      timeline.span("", "wait", rank, 0, t + 335, 5);
    }
  }
  return timeline.json();
}

TEST(TraceOfRingtrain, GivesTheStepOfARank) {
  const TraceProfile found = read_trace_profile(ringtrain_trace(), "trace.json");
  EXPECT_EQ(found.program, "ringtrain");
  EXPECT_EQ(found.ranks, 2);
  EXPECT_NEAR(found.step.forward, 100e-6, 1e-9);
  EXPECT_NEAR(found.step.backward, 200e-6, 1e-9);
  EXPECT_NEAR(found.step.optimizer, 20e-6, 1e-9);
  EXPECT_NEAR(found.exposed, 35e-6, 1e-9);
  EXPECT_NEAR(found.step.other, 15e-6, 1e-9);  // loading, and 5 of the agreement
  ASSERT_EQ(found.step.buckets.size(), 2U);
  EXPECT_NEAR(found.step.buckets[0].ready, 100e-6, 1e-9);
  EXPECT_EQ(found.step.buckets[0].bytes, 4096);
  EXPECT_EQ(found.step.buckets[1].bytes, 1024);
  EXPECT_FALSE(found.sizes_unknown);
}

// Written by PyTorch 2.11 for two Gloo ranks on a busy machine; cut to the events that count.
TEST(TraceOfPyTorch, OnACpuIsRead) {
  const std::string file = SOURCE_FOLDER "/tests/unit/benchmarks/predict/ddp_gloo_trace.json";
  const TraceProfile found = read_trace_profile(read_file(file), file);
  EXPECT_EQ(found.program, "PyTorch");
  EXPECT_EQ(found.steps, 3U);
  EXPECT_GT(found.step.forward, 0);
  EXPECT_GT(found.step.backward, 0);
  EXPECT_GT(found.step.optimizer, 0);
  EXPECT_LT(found.step.seconds(), 0.26);
  ASSERT_EQ(found.step.buckets.size(), 2U);
  EXPECT_LT(found.step.buckets[0].ready, found.step.buckets[1].ready);
  EXPECT_LE(found.step.buckets[1].ready, found.step.backward);
  EXPECT_TRUE(found.sizes_unknown);  // it was recorded without record_shapes
}

TEST(TraceOfPyTorch, SaysSizesWithRecordShapes) {
  Timeline timeline;
  for (int i = 0; i < 4; ++i) {
    const double t = 1000.0 * i;
    timeline.span("user_annotation", fmt::format("ProfilerStep#{}", i), 1, 1, t, 900);
    timeline.span("user_annotation", "DistributedDataParallel.forward", 1, 1, t, 100);
    timeline.span("cpu_op", "autograd::engine::evaluate_function: MmBackward0", 1, 2, t + 100, 300);
    timeline.span("cpu_op", "c10d::allreduce_", 1, 2, t + 250, 5,
                  R"(,"args":{"Input Dims":[[[100,20],[48]],[],[]]})");
    timeline.span("user_annotation", "gloo:all_reduce", 1, 3, t + 255, 245);
    timeline.span("user_annotation", "Optimizer.step#SGD.step", 1, 1, t + 500, 50);
  }
  const TraceProfile found = read_trace_profile(timeline.json(), "kineto.json");
  ASSERT_EQ(found.step.buckets.size(), 1U);
  EXPECT_EQ(found.step.buckets[0].bytes, 4 * 2048);
  EXPECT_NEAR(found.step.buckets[0].ready, 150e-6, 1e-9);
  EXPECT_NEAR(found.exposed, 100e-6, 1e-9);
  EXPECT_NEAR(found.step.seconds() + found.exposed, 900e-6, 1e-9);
}

// On a GPU kernels run behind the calls that launch them, here by 500 us.
TEST(TraceOfPyTorch, OnAGpuTakesTheTimesOfKernels) {
  Timeline timeline;
  int number = 0;
  const auto launch = [&](double at, const std::string& kernel, double begin, double duration,
                          const std::string& more = "") {
    ++number;
    timeline.span("cuda_runtime", "cudaLaunchKernel", 1, 1, at, 5,
                  fmt::format(R"(,"args":{{"correlation":{}}})", number));
    timeline.span("kernel", kernel, 0, 7, begin, duration,
                  fmt::format(R"(,"args":{{"correlation":{}{}}})", number, more));
  };
  for (int i = 0; i < 4; ++i) {
    const double t = 2000.0 * i;
    timeline.span("user_annotation", fmt::format("ProfilerStep#{}", i), 1, 1, t, 1900);
    timeline.span("gpu_user_annotation", fmt::format("ProfilerStep#{}", i), 0, 7, t + 500, 1000);
    timeline.span("user_annotation", "DistributedDataParallel.forward", 1, 1, t, 100);
    launch(t + 10, "forward_kernel", t + 510, 300);
    timeline.span("cpu_op", "autograd::engine::evaluate_function: ConvBackward", 1, 2, t + 100, 90);
    launch(t + 110, "backward_kernel", t + 810, 600);
    launch(t + 150, "ncclDevKernel_AllReduce_Sum_f32_RING_LL(...)", t + 1210, 300,
           R"(,"In msg nelems":1000,"dtype":"Float")");
    timeline.span("user_annotation", "Optimizer.step#SGD.step", 1, 1, t + 200, 50);
    launch(t + 210, "optimizer_kernel", t + 1510, 80);
  }
  const TraceProfile found = read_trace_profile(timeline.json(), "kineto.json");
  EXPECT_EQ(found.steps, 2U);
  EXPECT_NEAR(found.step.forward, 300e-6, 1e-9);
  EXPECT_NEAR(found.step.backward, 600e-6, 1e-9);
  EXPECT_NEAR(found.step.optimizer, 80e-6, 1e-9);
  EXPECT_NEAR(found.exposed, 100e-6, 1e-9);
  ASSERT_EQ(found.step.buckets.size(), 1U);
  EXPECT_EQ(found.step.buckets[0].bytes, 4000);
  EXPECT_NEAR(found.step.buckets[0].ready, 400e-6, 1e-9);
}

TEST(TraceProfile, RefusesWhatHasNoSteps) {
  EXPECT_THAT([] { read_trace_profile("[1,2]", "a.json"); },
              ThrowsError(ErrorKind::data, HasSubstr("a.json: not a Chrome trace")));
  EXPECT_THAT([] { read_trace_profile("{\"traceEvents\":[]}", "a.json"); },
              ThrowsError(ErrorKind::data, HasSubstr("a.json: no training step in it")));
  EXPECT_THAT([] { read_trace_profile(R"({"traceEvents":[{"ph":"X","name":7}]})", "a.json"); },
              ThrowsError(ErrorKind::data, HasSubstr("a.json: not a Chrome trace")));
}

}  // namespace
}  // namespace ringtrain::benchmarks
