// SPDX-License-Identifier: Apache-2.0
// The life of a group on several nodes, and what it leaves to the group of all ranks; its own
// operations are in nodes_operations.cpp.
#include "python/src/nodes_backend.hpp"

#include <torch/csrc/utils/pybind.h>

#include <algorithm>
#include <optional>

#include "base/check.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::python {

Places::Places(const std::vector<int>& given, int rank) : node_of(given) {
  RINGTRAIN_CHECK(0 <= rank && static_cast<size_t>(rank) < given.size());
  std::vector<int> ranks_of;
  for (size_t r = 0; r < given.size(); ++r) {
    const auto node = static_cast<size_t>(given[r]);
    if (node >= ranks_of.size()) ranks_of.resize(node + 1);
    local_of.push_back(ranks_of[node]++);
    if (given[r] == given[static_cast<size_t>(rank)]) here.push_back(static_cast<int>(r));
  }
  nodes = static_cast<int>(ranks_of.size());
  most = *std::ranges::max_element(ranks_of);
}

NodesBackend::NodesBackend(Groups groups, Places places, int rank,
                           c10::intrusive_ptr<Options> options)
    : c10d::Backend(rank, static_cast<int>(places.node_of.size())),
      groups_(std::move(groups)),
      places_(std::move(places)),
      options_(std::move(options)),
      queue_(std::make_unique<CallQueue>()) {
  RINGTRAIN_CHECK(leads() == (groups_.leaders != nullptr));
}

NodesBackend::~NodesBackend() {
  shutdown();
  // As in ~Backend(); a child does not have Gloo's threads, either.
  if (!groups_.node->is_ours() || queue_->runs_here()) {
    static_cast<void>(queue_.release());
    static_cast<void>(groups_.all.release());
    static_cast<void>(groups_.leaders.release());
    return;
  }
  std::optional<pybind11::gil_scoped_release> without_gil;
  if (Py_IsInitialized() != 0 && PyGILState_Check() != 0) without_gil.emplace();
  queue_.reset();
}

void NodesBackend::setTimeout(Timeout timeout) {
  options_->timeout = timeout;
  groups_.all->setTimeout(timeout);
}

void NodesBackend::shutdown() {
  groups_.node->shutdown();
  if (groups_.node->is_ours()) queue_->stop();
}

WorkPtr NodesBackend::start(c10d::OpType operation, bool async, Timeout timeout, Tensors results,
                            std::function<void(Timeout timeout)> call) {
  groups_.node->check_process();
  ++calls_;
  if (timeout == c10d::kUnsetTimeout) timeout = options_->timeout;
  auto work = c10::make_intrusive<CallWork>(rank_, operation, std::move(results));
  queue_->run(!async, {work, [this, timeout, call = std::move(call)] {
                         try {
                           call(timeout);
                         } catch (const std::exception& error) {
                           // The other nodes' leaders find their connections to this one closed.
                           groups_.leaders.reset();
                           groups_.node->fail(first_line(error.what()));
                         }
                       }});
  return work;
}

void NodesBackend::check_root(int64_t root) const {
  TORCH_CHECK(0 <= root && root < size_, "ringtrain: root ", root, " is not one of the ", size_,
              " ranks of the group");
}

WorkPtr NodesBackend::barrier(const c10d::BarrierOptions& options) {
  return start(c10d::OpType::BARRIER, options.asyncOp, options.timeout, {},
               [this](Timeout timeout) {
                 c10d::BarrierOptions of_level;
                 of_level.timeout = timeout;
                 of_level.asyncOp = false;
                 groups_.node->barrier(of_level)->wait();
                 if (groups_.leaders != nullptr) groups_.leaders->barrier(of_level)->wait();
                 groups_.node->barrier(of_level)->wait();
               });
}

WorkPtr NodesBackend::allgather_coalesced(std::vector<Tensors>& outputs, Tensors& inputs,
                                          const c10d::AllgatherOptions& options) {
  return groups_.all->allgather_coalesced(outputs, inputs, options);
}

WorkPtr NodesBackend::gather(std::vector<Tensors>& outputs, Tensors& inputs,
                             const c10d::GatherOptions& options) {
  return groups_.all->gather(outputs, inputs, options);
}

WorkPtr NodesBackend::scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                              const c10d::ScatterOptions& options) {
  return groups_.all->scatter(outputs, inputs, options);
}

WorkPtr NodesBackend::alltoall_base(at::Tensor& output, at::Tensor& input,
                                    std::vector<int64_t>& output_splits,
                                    std::vector<int64_t>& input_splits,
                                    const c10d::AllToAllOptions& options) {
  return groups_.all->alltoall_base(output, input, output_splits, input_splits, options);
}

// Gloo exchanges parts of one tensor alone.
WorkPtr NodesBackend::alltoall(Tensors& outputs, Tensors& inputs,
                               const c10d::AllToAllOptions& options) {
  check_count(outputs, size_);
  check_count(inputs, size_);
  std::vector<int64_t> sent, received;
  for (const at::Tensor& input : inputs) sent.push_back(input.numel());
  for (const at::Tensor& output : outputs) received.push_back(output.numel());
  return start(c10d::OpType::ALLTOALL, options.asyncOp, options.timeout, outputs,
               [this, outputs, in = joined(inputs), sent, received](Timeout timeout) {
                 const at::NoGradGuard no_grad;
                 at::Tensor from = in, to = joined(outputs);
                 auto out_sizes = received, in_sizes = sent;
                 c10d::AllToAllOptions between;
                 between.timeout = timeout;
                 groups_.all->alltoall_base(to, from, out_sizes, in_sizes, between)->wait();
                 const auto parts = to.split(received);
                 for (size_t r = 0; r < outputs.size(); ++r)
                   outputs[r].copy_(parts[r].view(outputs[r].sizes()));
               });
}

void NodesBackend::monitoredBarrier(const c10d::BarrierOptions& options, bool wait_all_ranks) {
  groups_.all->monitoredBarrier(options, wait_all_ranks);
}

WorkPtr NodesBackend::send(Tensors& tensors, int to, int tag) {
  return groups_.all->send(tensors, to, tag);
}

WorkPtr NodesBackend::recv(Tensors& tensors, int from, int tag) {
  return groups_.all->recv(tensors, from, tag);
}

WorkPtr NodesBackend::recvAnysource(Tensors& tensors, int tag) {
  return groups_.all->recvAnysource(tensors, tag);
}

}  // namespace ringtrain::python
