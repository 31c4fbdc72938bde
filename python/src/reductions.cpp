// SPDX-License-Identifier: Apache-2.0
// c10d's operations that reduce elements.
#include <utility>

#include "python/src/backend.hpp"

namespace ringtrain::python {

using c10d::OpType;
using std::chrono::milliseconds;

WorkPtr Backend::allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) {
  if (only(tensors).is_sparse()) return sum_sparse(tensors[0], options);
  c10d::AllreduceCoalescedOptions coalesced;
  static_cast<c10d::AllreduceOptions&>(coalesced) = options;
  return allreduce_coalesced(tensors, coalesced);
}

WorkPtr Backend::allreduce_coalesced(Tensors& tensors,
                                     const c10d::AllreduceCoalescedOptions& options) {
  TORCH_CHECK(!tensors.empty(), "ringtrain: no tensor to reduce");
  const auto rows = rows_of(tensors);
  std::vector<collectives::Reduce> reduces;
  for (const auto& tensor : tensors) reduces.push_back(reduce_of(options.reduceOp, tensor));
  return start(OpType::ALLREDUCE, options.asyncOp, options.timeout, tensors,
               [this, rows, reduces](milliseconds timeout) {
                 for (size_t i = 0; i < rows.size(); ++i) {
                   communicator_.all_reduce(rows[i].elements(), reduces[i], timeout);
                   rows[i].store();
                 }
               });
}

WorkPtr Backend::reduce(Tensors& tensors, const c10d::ReduceOptions& options) {
  const Row row(only(tensors));
  const auto how = reduce_of(options.reduceOp, tensors[0]);
  const int root = checked_rank("root", options.rootRank);
  return start(OpType::REDUCE, options.asyncOp, options.timeout, tensors,
               [this, row, how, root](milliseconds timeout) {
                 communicator_.reduce(row.elements(), how, root, timeout);
                 if (rank_ == root) row.store();
               });
}

WorkPtr Backend::reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                                const c10d::ReduceScatterOptions& options) {
  TORCH_CHECK(inputs.size() == 1, "ringtrain takes one list of inputs, not ", inputs.size());
  check_count(inputs[0], size_);
  for (const auto& input : inputs[0]) check_like(input, only(outputs));
  const auto how = reduce_of(options.reduceOp, outputs[0]);
  return start(
      OpType::REDUCE_SCATTER, options.asyncOp, options.timeout, outputs,
      [this, how, mine = Row(outputs[0]), rows = rows_of(inputs[0])](milliseconds timeout) {
        communicator_.reduce_scatter(elements_of(rows), mine.elements(), how, timeout);
        mine.store();
      });
}

WorkPtr Backend::reduce_scatter_pairs(OpType operation, Pairs pairs,
                                      const c10d::ReduceScatterOptions& options) {
  std::vector<std::pair<Row, Row>> rows;
  std::vector<collectives::Reduce> hows;
  Tensors results;
  for (auto& [output, input] : pairs) {
    TORCH_CHECK(output.scalar_type() == input.scalar_type(),
                "input tensor must be the same type as the output tensor.");
    TORCH_CHECK(input.numel() == output.numel() * size_,
                "input tensor must be the same size as output size times world size");
    hows.push_back(reduce_of(options.reduceOp, output));
    rows.emplace_back(output, input);
    results.push_back(output);
  }
  return start(operation, options.asyncOp, options.timeout, std::move(results),
               [this, rows = std::move(rows), hows](milliseconds timeout) {
                 for (size_t i = 0; i < rows.size(); ++i) {
                   const auto& [output, input] = rows[i];
                   communicator_.reduce_scatter(parts_of(input.elements(), size_),
                                                output.elements(), hows[i], timeout);
                   output.store();
                 }
               });
}

WorkPtr Backend::_reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                                      const c10d::ReduceScatterOptions& options) {
  return reduce_scatter_pairs(OpType::_REDUCE_SCATTER_BASE, {{output, input}}, options);
}

WorkPtr Backend::reduce_scatter_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                                 const c10d::ReduceScatterOptions& options) {
  TORCH_CHECK(outputs.size() == inputs.size(), "ringtrain: ", outputs.size(), " outputs for ",
              inputs.size(), " inputs");
  Pairs pairs;
  for (size_t i = 0; i < inputs.size(); ++i) pairs.emplace_back(outputs[i], inputs[i]);
  return reduce_scatter_pairs(OpType::COALESCED, std::move(pairs), options);
}

}  // namespace ringtrain::python
