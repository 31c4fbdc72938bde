// SPDX-License-Identifier: Apache-2.0
// A model's buffers (running statistics, counters) over the ranks. Collective.
#pragma once

#include "runtime/averaging/communication_thread.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

// Gives every rank the buffers of rank 0, bit for bit.
void broadcast_buffers(const Model& model, CommunicationThread& ranks);

// Replaces running statistics by their means over the ranks, if the model's batch normalisation
// sees the samples of one rank only (TorchScript), so that they have drifted apart. The means are
// what is evaluated and saved.
void average_batch_statistics(const Model& model, CommunicationThread& ranks);

}  // namespace ringtrain
