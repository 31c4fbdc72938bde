// SPDX-License-Identifier: Apache-2.0
// The all-reduce whose messages are bf16: rounded once before the sum and once after it.
#include "kernels/pack.hpp"
#include "kernels/sum.hpp"
#include "runtime/comm/mpi_all_reduce.hpp"

namespace ringtrain {

void MpiAllReduce::reduce_scatter_bf16(float* data, size_t count) {
  const int p = group_.size(), r = group_.rank();
  const Range mine = owned(count);
  wire_.resize(count);
  kernels::pack(data, wire_.data(), count, 1, {}, kernels::Measure::finite);
  received_.resize(p * mine.size());
  std::vector<const kernels::bf16*> sources(p);  // in the chunk's order
  for (int i = 0; i < p; ++i) {
    const int from = (r + 1 + i) % p;
    sources[i] = received_.data() + i * mine.size();
    if (from == r) {
      sources[i] = wire_.data() + mine.begin;
    } else {
      messages_.receive_pieces(received_.data() + i * mine.size(), mine.size(), from);
    }
  }
  for (int i = 1; i < p; ++i) {
    const int to = (r + i) % p;
    const Range theirs = chunk(count, to + 1);
    messages_.send_pieces(wire_.data() + theirs.begin, theirs.size(), to);
  }
  messages_.wait_for_pieces();
  kernels::sum(sources, data + mine.begin, mine.size(), {}, kernels::Measure::finite);
}

void MpiAllReduce::all_gather_bf16(float* data, size_t count) {
  const int p = group_.size(), r = group_.rank();
  const Range mine = owned(count);
  kernels::pack(data + mine.begin, wire_.data() + mine.begin, mine.size(), 1, {},
                kernels::Measure::finite);
  for (int i = 1; i < p; ++i) {
    const int peer = (r + i) % p;
    const Range theirs = chunk(count, peer + 1);
    messages_.receive_pieces(wire_.data() + theirs.begin, theirs.size(), peer);
    messages_.send_pieces(wire_.data() + mine.begin, mine.size(), peer);
  }
  messages_.wait_for_pieces();
  // The owner, too, takes the rounded values: the same bits everywhere.
  const kernels::bf16* const rounded[] = {wire_.data()};
  kernels::sum(rounded, data, count, {}, kernels::Measure::finite);
}

}  // namespace ringtrain
