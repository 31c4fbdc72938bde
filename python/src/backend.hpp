// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

#include "collectives/arena.hpp"
#include "collectives/communicator.hpp"
#include "python/src/post.hpp"
#include "python/src/tensors.hpp"
#include "python/src/work.hpp"

namespace ringtrain::python {

using WorkPtr = c10::intrusive_ptr<c10d::Work>;
using Tensors = std::vector<at::Tensor>;

// torch.distributed's backend "ringtrain": the ranks of one machine, CPU tensors. It is thin: each
// operation is one of collectives/communicator.hpp.
//
// Thread: any.
class Backend : public c10d::Backend {
 public:
  Backend(std::shared_ptr<collectives::SharedRegion> region, c10::intrusive_ptr<Options> options);
  ~Backend() override;

  const std::string getBackendName() const override { return "ringtrain"; }
  c10::intrusive_ptr<Options> getBackendOptions() override { return options_; }
  void setTimeout(std::chrono::milliseconds timeout) override { options_->timeout = timeout; }
  void setSequenceNumberForGroup() override {}
  uint64_t getSequenceNumberForGroup() override { return calls_.load(); }
  c10d::ErrorType getError() override;
  // Fails the calls of this rank, those that wait, too. What it leaves to free is the destructor's.
  void shutdown() override;
  void abort() override { shutdown(); }

  // Tensors that collectives read where they lie: DDP's and FSDP2's buckets.
  bool supportsTensorAlloc(c10::DeviceIndex) override { return true; }
  at::Tensor allocateTensor(long size, at::TensorOptions options) override;

  WorkPtr broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) override;
  WorkPtr allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) override;
  WorkPtr allreduce_coalesced(Tensors& tensors,
                              const c10d::AllreduceCoalescedOptions& options) override;
  WorkPtr reduce(Tensors& tensors, const c10d::ReduceOptions& options) override;
  WorkPtr allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                    const c10d::AllgatherOptions& options) override;
  WorkPtr _allgather_base(at::Tensor& output, at::Tensor& input,
                          const c10d::AllgatherOptions& options) override;
  WorkPtr allgather_coalesced(std::vector<Tensors>& outputs, Tensors& inputs,
                              const c10d::AllgatherOptions& options) override;
  WorkPtr allgather_into_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                          const c10d::AllgatherOptions& options) override;
  WorkPtr gather(std::vector<Tensors>& outputs, Tensors& inputs,
                 const c10d::GatherOptions& options) override;
  WorkPtr scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                  const c10d::ScatterOptions& options) override;
  WorkPtr reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                         const c10d::ReduceScatterOptions& options) override;
  WorkPtr _reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                               const c10d::ReduceScatterOptions& options) override;
  WorkPtr reduce_scatter_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                          const c10d::ReduceScatterOptions& options) override;
  WorkPtr alltoall_base(at::Tensor& output, at::Tensor& input, std::vector<int64_t>& output_splits,
                        std::vector<int64_t>& input_splits,
                        const c10d::AllToAllOptions& options) override;
  WorkPtr alltoall(Tensors& outputs, Tensors& inputs,
                   const c10d::AllToAllOptions& options) override;
  WorkPtr barrier(const c10d::BarrierOptions& options) override;
  // A barrier whose error names, on rank 0, the first rank that is missing, or all.
  void monitoredBarrier(const c10d::BarrierOptions& options, bool wait_all_ranks) override;

  WorkPtr send(Tensors& tensors, int to, int tag) override;
  WorkPtr recv(Tensors& tensors, int from, int tag) override;
  WorkPtr recvAnysource(Tensors& tensors, int tag) override;

  // Throws in a child that the rank forked.
  void check_process() const;
  bool is_ours() const { return region_->is_ours(); }
  // Fails the group: all calls throw that this rank failed, for this reason, or what came first.
  [[noreturn]] void fail(const std::string& reason) const;

  // One line a rank: its last call.
  std::vector<std::string> flight() const { return communicator_.flight(); }

 private:
  using Call = std::function<void(std::chrono::milliseconds timeout)>;
  using Pairs = std::vector<std::pair<at::Tensor, at::Tensor>>;  // output, input

  // Throws where a caller names a rank that the group does not have.
  int checked_rank(const char* what, int64_t rank) const;
  Post& post(int tag);
  // Runs call now or later; `results` are those of the future.
  WorkPtr start(c10d::OpType operation, bool async, std::chrono::milliseconds timeout,
                Tensors results, Call call);
  // Replaces a sparse tensor by the ranks' sum: the same bits on every rank.
  WorkPtr sum_sparse(const at::Tensor& tensor, const c10d::AllreduceOptions& options);
  WorkPtr all_gather_pairs(c10d::OpType operation, Pairs pairs,
                           const c10d::AllgatherOptions& options);
  WorkPtr reduce_scatter_pairs(c10d::OpType operation, Pairs pairs,
                               const c10d::ReduceScatterOptions& options);

  std::shared_ptr<collectives::SharedRegion> region_;
  c10::intrusive_ptr<Options> options_;
  collectives::Communicator communicator_;
  std::shared_ptr<collectives::Arena> arena_;
  std::atomic<uint64_t> calls_ = 0;
  std::unique_ptr<CallQueue> queue_;
  std::unique_ptr<Post> post_;
};

}  // namespace ringtrain::python
