// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "python/src/backend.hpp"

namespace ringtrain::python {

// The nodes of a group, and who is on which.
struct Places {
  // nodes: the node of each rank, from 0.
  Places(const std::vector<int>& nodes, int rank);

  std::vector<int> node_of, local_of;  // by rank; a rank's number among those of its node
  std::vector<int> here;               // the ranks of this rank's node
  int nodes = 0;
  int most = 0;  // ranks of a node
};

// torch.distributed's backend "ringtrain" where the ranks of a group are on several machines: over
// shared memory within a machine ("node"), and between the nodes a group of their first ranks, the
// leaders. Operations that would gain nothing from that go to a group of all ranks.
//
// All-reduce: the node's sum, in its shared memory; the leaders' sum of those; a broadcast of that
// in each node. The order of sums is fixed, and every rank gets the same bits.
//
// Thread: any.
class NodesBackend : public c10d::Backend {
 public:
  using BackendPtr = c10::intrusive_ptr<c10d::Backend>;
  struct Groups {
    BackendPtr all;
    c10::intrusive_ptr<python::Backend> node;
    BackendPtr leaders;  // null but on a leader
  };

  NodesBackend(Groups groups, Places places, int rank, c10::intrusive_ptr<Options> options);
  ~NodesBackend() override;

  const std::string getBackendName() const override { return "ringtrain"; }
  c10::intrusive_ptr<Options> getBackendOptions() override { return options_; }
  void setTimeout(std::chrono::milliseconds timeout) override;
  void setSequenceNumberForGroup() override {}
  uint64_t getSequenceNumberForGroup() override { return calls_.load(); }
  c10d::ErrorType getError() override { return groups_.node->getError(); }
  void shutdown() override;
  void abort() override { shutdown(); }

  bool supportsTensorAlloc(c10::DeviceIndex) override { return true; }
  at::Tensor allocateTensor(long size, at::TensorOptions options) override {
    return groups_.node->allocateTensor(size, options);
  }

  WorkPtr broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) override;
  WorkPtr allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) override;
  WorkPtr allreduce_coalesced(Tensors& tensors,
                              const c10d::AllreduceCoalescedOptions& options) override;
  // An all-reduce of a copy: other ranks' tensors stay.
  WorkPtr reduce(Tensors& tensors, const c10d::ReduceOptions& options) override;
  WorkPtr allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                    const c10d::AllgatherOptions& options) override;
  WorkPtr _allgather_base(at::Tensor& output, at::Tensor& input,
                          const c10d::AllgatherOptions& options) override;
  WorkPtr allgather_into_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                          const c10d::AllgatherOptions& options) override;
  WorkPtr reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                         const c10d::ReduceScatterOptions& options) override;
  WorkPtr _reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                               const c10d::ReduceScatterOptions& options) override;
  WorkPtr reduce_scatter_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                          const c10d::ReduceScatterOptions& options) override;
  WorkPtr barrier(const c10d::BarrierOptions& options) override;

  // To the group of all ranks.
  WorkPtr allgather_coalesced(std::vector<Tensors>& outputs, Tensors& inputs,
                              const c10d::AllgatherOptions& options) override;
  WorkPtr gather(std::vector<Tensors>& outputs, Tensors& inputs,
                 const c10d::GatherOptions& options) override;
  WorkPtr scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                  const c10d::ScatterOptions& options) override;
  WorkPtr alltoall_base(at::Tensor& output, at::Tensor& input, std::vector<int64_t>& output_splits,
                        std::vector<int64_t>& input_splits,
                        const c10d::AllToAllOptions& options) override;
  WorkPtr alltoall(Tensors& outputs, Tensors& inputs,
                   const c10d::AllToAllOptions& options) override;
  void monitoredBarrier(const c10d::BarrierOptions& options, bool wait_all_ranks) override;
  WorkPtr send(Tensors& tensors, int to, int tag) override;
  WorkPtr recv(Tensors& tensors, int from, int tag) override;
  WorkPtr recvAnysource(Tensors& tensors, int tag) override;

  // One line for each rank of this rank's node: its last call.
  std::vector<std::string> flight() const { return groups_.node->flight(); }

 private:
  using Timeout = std::chrono::milliseconds;
  struct Reduction;  // how the ranks of a node reduce, and how the leaders do

  // Runs call now or later. Where it fails, the other ranks learn it.
  WorkPtr start(c10d::OpType operation, bool async, Timeout timeout, Tensors results,
                std::function<void(Timeout timeout)> call);

  bool is_alone() const { return places_.here.size() == 1; }  // on its node
  bool leads() const { return places_.local_of[static_cast<size_t>(rank_)] == 0; }
  // Throws where the group does not have the rank.
  void check_root(int64_t root) const;
  static Reduction reduction_of(const c10d::ReduceOp& op, const at::Tensor& tensor);
  // These block. Tensors are contiguous.
  void reduce_between(at::Tensor tensor, const Reduction& reduction, Timeout timeout);
  void broadcast_in_node(at::Tensor tensor, int root, Timeout timeout);
  void all_reduce(const at::Tensor& tensor, const c10d::ReduceOp& op, Timeout timeout);
  void reduce_scatter(const at::Tensor& from, const at::Tensor& to, const c10d::ReduceOp& op,
                      Timeout timeout);
  // Writes the tensors of all ranks, as bytes, to `to`: one row for each rank.
  void all_gather(const at::Tensor& mine, const Tensors& to, Timeout timeout);

  Groups groups_;
  Places places_;
  c10::intrusive_ptr<Options> options_;
  std::atomic<uint64_t> calls_ = 0;
  std::unique_ptr<CallQueue> queue_;
};

}  // namespace ringtrain::python
