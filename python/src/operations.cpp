// SPDX-License-Identifier: Apache-2.0
// c10d's operations that move elements.
#include <utility>

#include "python/src/backend.hpp"

namespace ringtrain::python {
namespace {

using c10d::OpType;
using collectives::Elements;
using std::chrono::milliseconds;

// Splits a tensor along its first dimension; without sizes, into equal parts.
std::vector<Elements> split_rows(const Row& row, const at::Tensor& tensor,
                                 const std::vector<int64_t>& sizes, int ranks) {
  const Elements whole = row.elements();
  if (sizes.empty()) {
    TORCH_CHECK(tensor.dim() == 0 ? ranks == 1 : tensor.size(0) % ranks == 0,
                "Tensor's dim 0 does not divide equally across group size");
    return parts_of(whole, ranks);
  }
  TORCH_CHECK(sizes.size() == static_cast<size_t>(ranks), "ringtrain: ", sizes.size(),
              " split sizes for ", ranks, " ranks");
  const int64_t rows = tensor.size(0);
  const size_t per_row = rows == 0 ? 0 : whole.count / static_cast<size_t>(rows);
  std::vector<Elements> parts;
  size_t begin = 0;
  for (const int64_t size : sizes) {
    TORCH_CHECK(size >= 0, "ringtrain: a split size is ", size);
    const size_t count = static_cast<size_t>(size) * per_row;
    TORCH_CHECK(begin + count <= whole.count, "Split sizes doesn't match total dim 0 size");
    parts.push_back({whole.data + begin * size_of(whole.type), count, whole.type});
    begin += count;
  }
  TORCH_CHECK(begin == whole.count, "Split sizes doesn't match total dim 0 size");
  return parts;
}

}  // namespace

WorkPtr Backend::broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) {
  const Row row(only(tensors));
  const int root = checked_rank("root", options.rootRank);
  return start(OpType::BROADCAST, options.asyncOp, options.timeout, tensors,
               [this, row, root](milliseconds timeout) {
                 communicator_.broadcast(row.elements(), root, timeout);
                 row.store();
               });
}

WorkPtr Backend::allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                           const c10d::AllgatherOptions& options) {
  TORCH_CHECK(outputs.size() == 1, "ringtrain takes one list of outputs, not ", outputs.size());
  check_count(outputs[0], size_);
  for (const auto& output : outputs[0]) check_like(output, only(inputs));
  const Row mine(inputs[0]);
  const auto rows = rows_of(outputs[0]);
  return start(OpType::ALLGATHER, options.asyncOp, options.timeout, outputs[0],
               [this, mine, rows](milliseconds timeout) {
                 communicator_.all_gather(mine.elements(), elements_of(rows), timeout);
                 store(rows);
               });
}

WorkPtr Backend::all_gather_pairs(OpType operation, Pairs pairs,
                                  const c10d::AllgatherOptions& options) {
  std::vector<std::pair<Row, Row>> rows;
  Tensors results;
  for (auto& [output, input] : pairs) {
    TORCH_CHECK(output.scalar_type() == input.scalar_type(),
                "output tensor must have the same type as input tensor");
    TORCH_CHECK(output.numel() == input.numel() * size_,
                "output tensor size must be equal to world_size times input tensor size");
    rows.emplace_back(output, input);
    results.push_back(output);
  }
  return start(operation, options.asyncOp, options.timeout, std::move(results),
               [this, rows = std::move(rows)](milliseconds timeout) {
                 for (const auto& [output, input] : rows) {
                   communicator_.all_gather(input.elements(), parts_of(output.elements(), size_),
                                            timeout);
                   output.store();
                 }
               });
}

WorkPtr Backend::_allgather_base(at::Tensor& output, at::Tensor& input,
                                 const c10d::AllgatherOptions& options) {
  return all_gather_pairs(OpType::_ALLGATHER_BASE, {{output, input}}, options);
}

WorkPtr Backend::allgather_into_tensor_coalesced(Tensors& outputs, Tensors& inputs,
                                                 const c10d::AllgatherOptions& options) {
  TORCH_CHECK(outputs.size() == inputs.size(), "ringtrain: ", outputs.size(), " outputs for ",
              inputs.size(), " inputs");
  Pairs pairs;
  for (size_t i = 0; i < inputs.size(); ++i) pairs.emplace_back(outputs[i], inputs[i]);
  return all_gather_pairs(OpType::COALESCED, std::move(pairs), options);
}

// outputs: a list for each rank, in it a tensor for each input.
WorkPtr Backend::allgather_coalesced(std::vector<Tensors>& outputs, Tensors& inputs,
                                     const c10d::AllgatherOptions& options) {
  TORCH_CHECK(outputs.size() == static_cast<size_t>(size_),
              "output lists should be equal to world size");
  std::vector<std::vector<Row>> rows;
  Tensors results;
  for (size_t i = 0; i < inputs.size(); ++i) {
    rows.emplace_back();
    for (const auto& list : outputs) {
      check_count(list, static_cast<int>(inputs.size()));
      check_like(list[i], inputs[i]);
      rows.back().emplace_back(list[i]);
      results.push_back(list[i]);
    }
  }
  return start(OpType::ALLGATHER_COALESCED, options.asyncOp, options.timeout, std::move(results),
               [this, rows = std::move(rows), mine = rows_of(inputs)](milliseconds timeout) {
                 for (size_t i = 0; i < mine.size(); ++i) {
                   communicator_.all_gather(mine[i].elements(), elements_of(rows[i]), timeout);
                   store(rows[i]);
                 }
               });
}

WorkPtr Backend::gather(std::vector<Tensors>& outputs, Tensors& inputs,
                        const c10d::GatherOptions& options) {
  const int root = checked_rank("root", options.rootRank);
  const Row mine(only(inputs));
  std::vector<Row> rows;
  if (rank_ == root) {
    TORCH_CHECK(outputs.size() == 1, "ringtrain takes one list of outputs, not ", outputs.size());
    check_count(outputs[0], size_);
    for (const auto& output : outputs[0]) check_like(output, inputs[0]);
    rows = rows_of(outputs[0]);
  } else {
    TORCH_CHECK(outputs.empty(), "requires empty output on non-root");
  }
  return start(OpType::GATHER, options.asyncOp, options.timeout,
               rank_ == root ? outputs[0] : Tensors{},
               [this, mine, rows = std::move(rows), root](milliseconds timeout) {
                 communicator_.gather(mine.elements(), elements_of(rows), root, timeout);
                 store(rows);
               });
}

WorkPtr Backend::scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                         const c10d::ScatterOptions& options) {
  const int root = checked_rank("root", options.rootRank);
  const Row mine(only(outputs));
  std::vector<Row> rows;
  if (rank_ == root) {
    TORCH_CHECK(inputs.size() == 1, "ringtrain takes one list of inputs, not ", inputs.size());
    check_count(inputs[0], size_);
    for (const auto& input : inputs[0]) check_like(input, outputs[0]);
    rows = rows_of(inputs[0]);
  } else {
    TORCH_CHECK(inputs.empty(), "requires empty input on non-root");
  }
  return start(OpType::SCATTER, options.asyncOp, options.timeout, outputs,
               [this, mine, rows = std::move(rows), root](milliseconds timeout) {
                 communicator_.scatter(elements_of(rows), mine.elements(), root, timeout);
                 mine.store();
               });
}

WorkPtr Backend::alltoall_base(at::Tensor& output, at::Tensor& input,
                               std::vector<int64_t>& output_splits,
                               std::vector<int64_t>& input_splits,
                               const c10d::AllToAllOptions& options) {
  const Row out(output), in(input);
  auto receive = split_rows(out, output, output_splits, size_);
  auto sent = split_rows(in, input, input_splits, size_);
  return start(OpType::ALLTOALL_BASE, options.asyncOp, options.timeout, {output},
               [this, out, in, receive, sent](milliseconds timeout) {
                 communicator_.all_to_all(sent, receive, timeout);
                 out.store();
               });
}

WorkPtr Backend::alltoall(Tensors& outputs, Tensors& inputs, const c10d::AllToAllOptions& options) {
  check_count(outputs, size_);
  check_count(inputs, size_);
  return start(OpType::ALLTOALL, options.asyncOp, options.timeout, outputs,
               [this, out = rows_of(outputs), in = rows_of(inputs)](milliseconds timeout) {
                 communicator_.all_to_all(elements_of(in), elements_of(out), timeout);
                 store(out);
               });
}

WorkPtr Backend::barrier(const c10d::BarrierOptions& options) {
  return start(OpType::BARRIER, options.asyncOp, options.timeout, {},
               [this](milliseconds timeout) { communicator_.barrier(timeout); });
}

void Backend::monitoredBarrier(const c10d::BarrierOptions& options, bool wait_all_ranks) {
  std::vector<int> missing;
  try {
    start(OpType::BARRIER, false, options.timeout, {}, [&](milliseconds timeout) {
      try {
        communicator_.barrier(timeout);
      } catch (...) {
        missing = communicator_.missing();
        throw;
      }
    })->wait();
  } catch (const c10::Error& error) {
    // Scripts, and PyTorch's tests, search for Gloo's words.
    const std::string why = c10::str(": ", error.what_without_backtrace());
    if (rank_ != 0) {
      C10_THROW_ERROR(DistBackendError,
                      c10::str("Rank ", rank_, " successfully reached monitoredBarrier, but ",
                               "received errors while waiting for send/recv from rank 0", why));
    }
    if (missing.empty()) throw;
    if (options.timeout == milliseconds::zero()) {
      C10_THROW_ERROR(DistBackendError,
                      c10::str("Rank 0 timed out in monitoredBarrier after 0 ms", why));
    }
    const bool names_one = !wait_all_ranks || missing.size() == 1;
    if (names_one) missing.resize(1);
    C10_THROW_ERROR(DistBackendError,
                    c10::str(names_one ? "Rank " : "Ranks ", c10::Join(", ", missing),
                             " failed to pass monitoredBarrier", why));
  }
}

WorkPtr Backend::send(Tensors& tensors, int to, int tag) {
  return post(tag).send(only(tensors), checked_rank("receiver", to), tag, options_->timeout);
}

WorkPtr Backend::recv(Tensors& tensors, int from, int tag) {
  only(tensors);
  return post(tag).receive(tensors[0], checked_rank("sender", from), tag, options_->timeout);
}

WorkPtr Backend::recvAnysource(Tensors& tensors, int tag) {
  only(tensors);
  return post(tag).receive(tensors[0], collectives::Mailbox::kAnySource, tag, options_->timeout);
}

}  // namespace ringtrain::python
