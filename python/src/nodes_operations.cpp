// SPDX-License-Identifier: Apache-2.0
// Operations over two levels: in the nodes, and between their leaders.
#include <algorithm>
#include <utility>

#include "python/src/nodes_backend.hpp"

namespace ringtrain::python {
namespace {

using c10d::OpType;
using c10d::ReduceOp;
using std::chrono::milliseconds;

// The memory of a contiguous tensor, whatever its type: backends move bytes of any.
at::Tensor bytes_of(const at::Tensor& tensor) {
  return at::from_blob(
      tensor.data_ptr(), {static_cast<int64_t>(tensor.nbytes())}, [tensor](void*) {}, at::kByte);
}

}  // namespace

// Leaders add what the nodes' ranks have averaged or scaled already. Integers are averaged in 64
// bits and divided at the end, rounded towards zero.
struct NodesBackend::Reduction {
  ReduceOp in_node;
  ReduceOp between;
  std::optional<at::ScalarType> type;  // in place of the tensor's own
  bool divides = false;
};

NodesBackend::Reduction NodesBackend::reduction_of(const ReduceOp& op, const at::Tensor& tensor) {
  static_cast<void>(reduce_of(op, tensor));  // throws where there is none
  const at::ScalarType type = tensor.scalar_type();
  Reduction reduction = {.in_node = op, .between = op, .type = std::nullopt};
  switch (op) {
    case ReduceOp::AVG:
      reduction.in_node = reduction.between = ReduceOp::SUM;
      reduction.divides = true;
      if (at::isIntegralType(type, false)) reduction.type = at::kLong;
      if (type == at::kHalf || type == at::kBFloat16) reduction.type = at::kFloat;
      return reduction;
    case ReduceOp::PREMUL_SUM:
      reduction.between = ReduceOp::SUM;
      return reduction;
    default:
      break;
  }
  if (type == at::kShort) reduction.type = at::kInt;  // Gloo reduces none of 16 bits
  // Sums of booleans are "or", products "and".
  if (type == at::kBool && (op == ReduceOp::SUM || op == ReduceOp::BOR))
    reduction.between = ReduceOp::MAX;
  if (type == at::kBool && (op == ReduceOp::PRODUCT || op == ReduceOp::BAND))
    reduction.between = ReduceOp::MIN;
  return reduction;
}

void NodesBackend::reduce_between(at::Tensor tensor, const Reduction& reduction, Timeout timeout) {
  if (groups_.leaders == nullptr) return;
  Tensors tensors = {std::move(tensor)};
  c10d::AllreduceOptions options;
  options.reduceOp = reduction.between;
  options.timeout = timeout;
  groups_.leaders->allreduce(tensors, options)->wait();
  if (reduction.divides) {
    if (tensors[0].is_floating_point()) {
      tensors[0].div_(size_);
    } else {
      tensors[0].div_(size_, "trunc");
    }
  }
}

void NodesBackend::broadcast_in_node(at::Tensor tensor, int root, Timeout timeout) {
  if (is_alone()) return;
  Tensors tensors = {std::move(tensor)};
  c10d::BroadcastOptions options;
  options.rootRank = root;
  options.timeout = timeout;
  options.asyncOp = false;
  groups_.node->broadcast(tensors, options)->wait();
}

void NodesBackend::all_reduce(const at::Tensor& tensor, const ReduceOp& op, Timeout timeout) {
  const at::NoGradGuard no_grad;
  const Reduction reduction = reduction_of(op, tensor);
  Tensors tensors = {tensor.to(reduction.type.value_or(tensor.scalar_type())).contiguous()};
  if (tensors[0].numel() == 0) return;
  c10d::AllreduceOptions options;
  options.reduceOp = reduction.in_node;
  options.timeout = timeout;
  options.asyncOp = false;
  const bool has_factor = op == ReduceOp::PREMUL_SUM;
  if (!is_alone() || has_factor) groups_.node->allreduce(tensors, options)->wait();
  reduce_between(tensors[0], reduction, timeout);
  broadcast_in_node(tensors[0], 0, timeout);
  if (!tensors[0].is_same(tensor)) tensor.copy_(tensors[0]);
}

WorkPtr NodesBackend::allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) {
  if (only(tensors).is_sparse()) return groups_.all->allreduce(tensors, options);
  c10d::AllreduceCoalescedOptions coalesced;
  static_cast<c10d::AllreduceOptions&>(coalesced) = options;
  return allreduce_coalesced(tensors, coalesced);
}

WorkPtr NodesBackend::allreduce_coalesced(Tensors& tensors,
                                          const c10d::AllreduceCoalescedOptions& options) {
  TORCH_CHECK(!tensors.empty(), "ringtrain: no tensor to reduce");
  static_cast<void>(rows_of(tensors));
  for (const at::Tensor& tensor : tensors) reduction_of(options.reduceOp, tensor);
  return start(OpType::ALLREDUCE, options.asyncOp, options.timeout, tensors,
               [this, tensors, op = options.reduceOp](milliseconds timeout) {
                 for (const at::Tensor& tensor : tensors) all_reduce(tensor, op, timeout);
               });
}

void NodesBackend::reduce_scatter(const at::Tensor& from, const at::Tensor& to, const ReduceOp& op,
                                  Timeout timeout) {
  const at::NoGradGuard no_grad;
  const Reduction reduction = reduction_of(op, to);
  const auto type = reduction.type.value_or(to.scalar_type());
  Tensors whole = {from.to(type).contiguous()};
  if (whole[0].numel() == 0) return;
  if (leads() && whole[0].data_ptr() == from.data_ptr()) whole[0] = whole[0].clone();
  c10d::ReduceOptions options;
  options.reduceOp = reduction.in_node;
  options.timeout = timeout;
  options.asyncOp = false;
  groups_.node->reduce(whole, options)->wait();
  reduce_between(whole[0], reduction, timeout);
  std::vector<Tensors> parts;
  if (leads()) {
    const at::Tensor rows = whole[0].view({size_, -1});
    parts.emplace_back();
    for (const int rank : places_.here) parts[0].push_back(rows[rank]);
  }
  Tensors mine = {at::empty({to.numel()}, to.options().dtype(type))};
  c10d::ScatterOptions out;
  out.timeout = timeout;
  out.asyncOp = false;
  groups_.node->scatter(mine, parts, out)->wait();
  to.copy_(mine[0].view(to.sizes()));
}

WorkPtr NodesBackend::reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                                     const c10d::ReduceScatterOptions& options) {
  TORCH_CHECK(inputs.size() == 1, "ringtrain takes one list of inputs, not ", inputs.size());
  check_count(inputs[0], size_);
  for (const auto& input : inputs[0]) check_like(input, only(outputs));
  reduction_of(options.reduceOp, outputs[0]);
  return start(OpType::REDUCE_SCATTER, options.asyncOp, options.timeout, outputs,
               [this, from = inputs[0], to = outputs[0], op = options.reduceOp](
                   milliseconds timeout) { reduce_scatter(joined(from), to, op, timeout); });
}

WorkPtr NodesBackend::_reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                                           const c10d::ReduceScatterOptions& options) {
  Tensors outputs = {output}, inputs = {input};
  return reduce_scatter_tensor_coalesced(outputs, inputs, options);
}

WorkPtr NodesBackend::reduce_scatter_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                                      const c10d::ReduceScatterOptions& options) {
  TORCH_CHECK(outputs.size() == inputs.size(), "ringtrain: ", outputs.size(), " outputs for ",
              inputs.size(), " inputs");
  for (size_t i = 0; i < inputs.size(); ++i) {
    TORCH_CHECK(outputs[i].scalar_type() == inputs[i].scalar_type(),
                "input tensor must be the same type as the output tensor.");
    TORCH_CHECK(inputs[i].numel() == outputs[i].numel() * size_,
                "input tensor must be the same size as output size times world size");
    reduction_of(options.reduceOp, outputs[i]);
  }
  return start(OpType::_REDUCE_SCATTER_BASE, options.asyncOp, options.timeout, outputs,
               [this, outputs, inputs, op = options.reduceOp](milliseconds timeout) {
                 for (size_t i = 0; i < inputs.size(); ++i)
                   reduce_scatter(inputs[i], outputs[i], op, timeout);
               });
}

WorkPtr NodesBackend::reduce(Tensors& tensors, const c10d::ReduceOptions& options) {
  check_root(options.rootRank);
  static_cast<void>(Row(only(tensors)));
  reduction_of(options.reduceOp, tensors[0]);
  return start(OpType::REDUCE, options.asyncOp, options.timeout, tensors,
               [this, tensor = tensors[0], op = options.reduceOp,
                is_root = options.rootRank == rank_](milliseconds timeout) {
                 const at::NoGradGuard no_grad;
                 const at::Tensor sum = tensor.clone();
                 all_reduce(sum, op, timeout);
                 if (is_root) tensor.copy_(sum);
               });
}

WorkPtr NodesBackend::broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) {
  check_root(options.rootRank);
  const Row row(only(tensors));
  const auto root = static_cast<size_t>(options.rootRank);
  return start(OpType::BROADCAST, options.asyncOp, options.timeout, tensors,
               [this, row, root](milliseconds timeout) {
                 Tensors bytes = {bytes_of(row.contiguous())};
                 if (bytes[0].numel() == 0) return;
                 const int node = places_.node_of[root];
                 const bool is_here = node == places_.node_of[static_cast<size_t>(rank_)];
                 if (is_here) broadcast_in_node(bytes[0], places_.local_of[root], timeout);
                 if (groups_.leaders != nullptr) {
                   c10d::BroadcastOptions between;
                   between.rootRank = node;
                   between.timeout = timeout;
                   groups_.leaders->broadcast(bytes, between)->wait();
                 }
                 if (!is_here) broadcast_in_node(bytes[0], 0, timeout);
                 row.store();
               });
}

// The leaders exchange blocks of as many rows as the largest node has ranks.
void NodesBackend::all_gather(const at::Tensor& mine, const Tensors& to, Timeout timeout) {
  Tensors input = {bytes_of(mine)};
  const int64_t bytes = input[0].numel();
  if (bytes == 0) return;
  at::Tensor all = at::empty({places_.nodes * places_.most * bytes}, at::kByte);
  at::Tensor block = at::empty({places_.most * bytes}, at::kByte);
  std::vector<Tensors> rows;
  if (leads()) {
    const auto parts = block.view({places_.most, bytes}).unbind();
    rows.emplace_back(parts.begin(), parts.begin() + static_cast<ptrdiff_t>(places_.here.size()));
  }
  c10d::GatherOptions options;
  options.timeout = timeout;
  options.asyncOp = false;
  groups_.node->gather(rows, input, options)->wait();
  if (groups_.leaders != nullptr) {
    c10d::AllgatherOptions between;
    between.timeout = timeout;
    groups_.leaders->_allgather_base(all, block, between)->wait();
  }
  broadcast_in_node(all, 0, timeout);
  const at::NoGradGuard no_grad;
  const at::Tensor table = all.view({places_.nodes, places_.most, bytes});
  for (size_t r = 0; r < to.size(); ++r) {
    const Row row(to[r]);
    bytes_of(row.contiguous()).copy_(table[places_.node_of[r]][places_.local_of[r]]);
    row.store();
  }
}

WorkPtr NodesBackend::allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                                const c10d::AllgatherOptions& options) {
  TORCH_CHECK(outputs.size() == 1, "ringtrain takes one list of outputs, not ", outputs.size());
  check_count(outputs[0], size_);
  for (const auto& output : outputs[0]) check_like(output, only(inputs));
  return start(OpType::ALLGATHER, options.asyncOp, options.timeout, outputs[0],
               [this, mine = Row(inputs[0]), to = outputs[0]](milliseconds timeout) {
                 all_gather(mine.contiguous(), to, timeout);
               });
}

WorkPtr NodesBackend::_allgather_base(at::Tensor& output, at::Tensor& input,
                                      const c10d::AllgatherOptions& options) {
  Tensors outputs = {output}, inputs = {input};
  return allgather_into_tensor_coalesced(outputs, inputs, options);
}

WorkPtr NodesBackend::allgather_into_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                                      const c10d::AllgatherOptions& options) {
  TORCH_CHECK(outputs.size() == inputs.size(), "ringtrain: ", outputs.size(), " outputs for ",
              inputs.size(), " inputs");
  std::vector<std::pair<Row, Row>> pairs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    TORCH_CHECK(outputs[i].scalar_type() == inputs[i].scalar_type(),
                "output tensor must have the same type as input tensor");
    TORCH_CHECK(outputs[i].numel() == inputs[i].numel() * size_,
                "output tensor size must be equal to world_size times input tensor size");
    pairs.emplace_back(outputs[i], inputs[i]);
  }
  return start(
      OpType::_ALLGATHER_BASE, options.asyncOp, options.timeout, outputs,
      [this, pairs = std::move(pairs)](milliseconds timeout) {
        for (const auto& [output, input] : pairs) {
          if (input.contiguous().numel() == 0) continue;
          all_gather(input.contiguous(), output.contiguous().view({size_, -1}).unbind(), timeout);
          output.store();
        }
      });
}

}  // namespace ringtrain::python
