// SPDX-License-Identifier: Apache-2.0
// The sum of sparse tensors (COO), such as gradients of nn.Embedding(sparse=True): the ranks'
// indices and values, one after the other, and duplicates summed in that order.
#include <utility>

#include "python/src/backend.hpp"

namespace ringtrain::python {
namespace {

using collectives::Communicator;
using std::chrono::milliseconds;

// Returns [ranks, facts]: dimensions, sizes and, last, the number of entries of each rank's tensor.
at::Tensor gather_facts(Communicator& communicator, const at::Tensor& mine, milliseconds timeout) {
  std::vector<int64_t> facts = {mine.sparse_dim(), mine.dense_dim()};
  facts.insert(facts.end(), mine.sizes().begin(), mine.sizes().end());
  facts.push_back(mine._nnz());
  const Row own(at::tensor(facts, at::kLong));
  const at::Tensor all =
      at::empty({communicator.size(), static_cast<int64_t>(facts.size())}, at::kLong);
  communicator.all_gather(own.elements(), parts_of(Row(all).elements(), communicator.size()),
                          timeout);
  for (int r = 1; r < communicator.size(); ++r) {
    TORCH_CHECK(all[0].slice(0, 0, -1).equal(all[r].slice(0, 0, -1)),
                "sparse tensors of ranks 0 and ", r, " have different sizes");
  }
  return all;
}

// Requires: `mine` is coalesced.
at::Tensor sum_of_all(Communicator& communicator, const at::Tensor& mine, milliseconds timeout) {
  const at::Tensor facts = gather_facts(communicator, mine, timeout);
  Tensors indices, values;
  for (int r = 0; r < communicator.size(); ++r) {
    if (r == communicator.rank()) {
      indices.push_back(mine._indices().contiguous());
      values.push_back(mine._values().contiguous());
    } else {
      const int64_t entries = facts[r][-1].item<int64_t>();
      auto sizes = mine._values().sizes().vec();
      sizes[0] = entries;
      indices.push_back(at::empty({mine.sparse_dim(), entries}, at::kLong));
      values.push_back(at::empty(sizes, mine._values().options()));
    }
    communicator.broadcast(Row(indices.back()).elements(), r, timeout);
    communicator.broadcast(Row(values.back()).elements(), r, timeout);
  }
  return at::sparse_coo_tensor(at::cat(indices, 1), at::cat(values), mine.sizes()).coalesce();
}

}  // namespace

WorkPtr Backend::sum_sparse(const at::Tensor& tensor, const c10d::AllreduceOptions& options) {
  TORCH_CHECK(tensor.device().is_cpu(), "ringtrain averages CPU tensors and got one on ",
              tensor.device(), ": use init_process_group(\"cpu:ringtrain,cuda:nccl\")");
  TORCH_CHECK(options.reduceOp == c10d::ReduceOp::SUM,
              "ringtrain: sparse tensors are summed alone: use ReduceOp.SUM");
  return start(c10d::OpType::_ALLREDUCE_SPARSE, options.asyncOp, options.timeout, {tensor},
               [this, tensor](milliseconds timeout) {
                 const at::NoGradGuard no_grad;
                 tensor.copy_(sum_of_all(communicator_, tensor.coalesce(), timeout));
               });
}

}  // namespace ringtrain::python
