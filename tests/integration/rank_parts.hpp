// SPDX-License-Identifier: Apache-2.0
// The parts of one rank's step, put together as the trainer does it.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/averaging/arrival_order.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/gradient_schedule.hpp"
#include "runtime/averaging/parameter_space.hpp"
#include "runtime/comm/collectives.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "tests/integration/mpi_main.hpp"

namespace ringtrain {

struct RankParts {
  using MakeModel = std::function<std::unique_ptr<Model>(const ModelOptions&)>;

  // adds_slabs: as make_gradient_schedule() takes it. channels_last: as lay_out() takes it.
  RankParts(std::unique_ptr<Device> of, const ModelOptions& model_options, const MakeModel& make,
            const CommOptions& options, size_t bucket_elements, bool adds_slabs = false,
            bool channels_last = false)
      : device(std::move(of)),
        model(make(model_options)),
        collectives(make_collectives(options, layout_of(model_options, channels_last).elements())),
        space(layout_of(model_options, channels_last), bucket_elements, *collectives),
        thread(*collectives),
        schedule(make_gradient_schedule(space, thread, adds_slabs)),
        averager(*model, space, thread, *schedule, *device) {}

  std::unique_ptr<Collectives> make_collectives(const CommOptions& options, size_t elements) {
    return ringtrain::make_collectives(
        test_world(), options,
        {.cuda = device->torch().is_cuda(),
         .allocate_zeros = [this](size_t n) { return device->allocate_zeros(n); },
         .current_stream = [this] { return device->current_stream(); }},
        elements);
  }

  SlabLayout layout_of(const ModelOptions& options, bool channels_last) {
    return lay_out(*model, {options.channels, options.height, options.width}, device->torch(),
                   at::kFloat, channels_last);
  }

  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  std::unique_ptr<Collectives> collectives;
  ParameterSpace space;
  CommunicationThread thread;
  std::unique_ptr<GradientSchedule> schedule;
  GradientAverager averager;
};

}  // namespace ringtrain
