// SPDX-License-Identifier: Apache-2.0
// What one rank's step is made of, put together as the trainer does it.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/averaging/arrival_order.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/gradient_averager.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"
#include "runtime/models/model.hpp"
#include "tests/integration/mpi_main.hpp"

namespace ringtrain {

struct RankParts {
  using MakeModel = std::function<std::unique_ptr<Model>(const ModelOptions&)>;

  RankParts(std::unique_ptr<Device> of, const ModelOptions& options, const MakeModel& make,
            const CommunicationSpec& spec, size_t bucket_elements)
      : device(std::move(of)),
        model(make(options)),
        layout(lay_out(*model, zeros(options))),
        communicator(make_communicator(
            test_world(), spec,
            {.cuda = false,
             .allocate_zeros = [this](size_t n) { return device->allocate_zeros(n); },
             .current_stream = [this] { return device->current_stream(); }},
            layout.elements())),
        buckets(cut_into_buckets(layout.elements(), bucket_elements)),
        exchange(*communicator),
        averager(*model, layout, buckets, test_world().size(), *communicator, exchange, *device) {}

  static torch::Tensor zeros(const ModelOptions& options) {
    return torch::zeros({2, options.channels, options.height, options.width});
  }

  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  SlabLayout layout;
  std::unique_ptr<Communicator> communicator;
  std::vector<Range> buckets;
  Exchange exchange;
  GradientAverager averager;
};

}  // namespace ringtrain
