// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/mpi_all_reduce.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.hpp"
#include "kernels/sum.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain {
namespace {

constexpr size_t kSegment = MpiAllReduce::kSegmentBytes / sizeof(float);
constexpr size_t kInFlight = 8;          // segments under way at a time: they still fit a cache
constexpr size_t kShort = kSegment / 8;  // below it latency is all that counts

// Segment k of [0, count).
struct Segment {
  size_t begin, size;
};
Segment segment(size_t count, size_t k) {
  const size_t begin = std::min(count, k * kSegment);
  return {begin, std::min(kSegment, count - begin)};
}
size_t segments(size_t count) { return (count + kSegment - 1) / kSegment; }

}  // namespace

MpiAllReduce::MpiAllReduce(const MpiGroup& group, const CommOptions& options)
    : group_(group),
      messages_(group, std::chrono::duration<double>(options.timeout_seconds)),
      algorithm_(options.algorithm),
      bf16_(options.wire == CommOptions::Wire::bf16) {
  // Two ranks send as much either way, and directly they wait once.
  if (algorithm_ == Algorithm::automatic && group.size() == 2) algorithm_ = Algorithm::direct;
}

void MpiAllReduce::choose_algorithm(size_t count) {
  if (algorithm_ != Algorithm::automatic || bf16_ || group_.size() == 1) return;
  constexpr int kRounds = 5;
  std::vector<float> data(count);
  constexpr double kForever = std::numeric_limits<double>::infinity();
  std::array<double, 2> fastest = {kForever, kForever};
  for (int round = 0; round < 2 * kRounds; ++round) {
    const bool around = round % 2 == 1;
    double ready = 0;
    all_reduce({&ready, 1});  // all start together
    const double start = MPI_Wtime();
    around ? ring(data.data(), count, 0, 2 * (group_.size() - 1)) : direct(data.data(), count);
    fastest[around] = std::min(fastest[around], MPI_Wtime() - start);
  }
  all_reduce(fastest);  // the same choice everywhere
  algorithm_ = fastest[1] < fastest[0] ? Algorithm::ring : Algorithm::direct;
  measured_ = true;
}

void MpiAllReduce::all_reduce(float* data, size_t count) {
  if (group_.size() == 1 || count == 0) return;
  if (bf16_) {
    reduce_scatter_bf16(data, count);
    all_gather_bf16(data, count);
    return;
  }
  const bool latency_bound = algorithm_ == Algorithm::automatic || measured_;
  if (algorithm_ == Algorithm::direct || (latency_bound && count <= kShort)) {
    direct(data, count);
  } else {
    ring(data, count, 0, 2 * (group_.size() - 1));
  }
}

void MpiAllReduce::reduce_scatter(float* data, size_t count) {
  if (group_.size() == 1 || count == 0) return;
  bf16_ ? reduce_scatter_bf16(data, count) : ring(data, count, 0, group_.size() - 1);
}

void MpiAllReduce::all_gather(float* data, size_t count) {
  if (group_.size() == 1 || count == 0) return;
  ring(data, count, group_.size() - 1, 2 * (group_.size() - 1));
}

void MpiAllReduce::all_reduce(std::span<double> values) {
  if (group_.size() == 1 || values.empty()) return;
  const int count = static_cast<int>(values.size());
  gathered_.resize(values.size() * group_.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallgather(values.data(), count, MPI_DOUBLE, gathered_.data(), count, MPI_DOUBLE,
                           group_.get(), &request));
  messages_.wait(&request);
  for (size_t i = 0; i < values.size(); ++i) {
    double total = 0;
    for (int r = 0; r < group_.size(); ++r) total += gathered_[r * values.size() + i];
    values[i] = total;
  }
}

std::string MpiAllReduce::describe() const {
  if (bf16_) return fmt::format("MPI bf16 over {}", counted(group_.size(), "rank"));
  return fmt::format("MPI {}{} over {}", algorithm_ == Algorithm::direct ? "direct" : "ring",
                     measured_ ? " (the faster one)" : "", counted(group_.size(), "rank"));
}

Range MpiAllReduce::chunk(size_t count, int c) const {
  const int p = group_.size();
  const auto index = static_cast<size_t>(((c % p) + p) % p);
  return {count * index / p, count * (index + 1) / p};
}

// The chunk in which the ring's first half ends.
Range MpiAllReduce::owned(size_t count) const { return chunk(count, group_.rank() + 1); }

void MpiAllReduce::direct(float* data, size_t count) {
  const int p = group_.size(), peers = p - 1;
  struct Piece {
    int chunk;
    size_t begin, size;
  };
  std::vector<Piece> pieces;
  for (int c = 0; c < p; ++c) {
    const Range range = chunk(count, c);
    for (size_t k = 0; k < segments(range.size()); ++k) {
      const auto [begin, size] = segment(range.size(), k);
      pieces.push_back({c, range.begin + begin, size});
    }
  }
  scratch_.resize(kInFlight * peers * kSegment);
  std::vector<MPI_Request> receives(kInFlight * peers, MPI_REQUEST_NULL);
  std::vector<MPI_Request> sends(kInFlight * peers, MPI_REQUEST_NULL);
  // Peer i of this rank, counted from the next rank on so that not all send to the same one first.
  const auto peer = [&](int i) { return (group_.rank() + 1 + i) % p; };
  const auto buffer = [&](size_t slot, int i) {
    return scratch_.data() + (slot * peers + i) * kSegment;
  };
  const auto start = [&](size_t k) {
    const Piece& piece = pieces[k];
    const size_t slot = k % kInFlight;
    for (int i = 0; i < peers; ++i) {
      messages_.receive(buffer(slot, i), piece.size, peer(i), &receives[slot * peers + i]);
    }
    for (int i = 0; i < peers; ++i) {
      messages_.send(data + piece.begin, piece.size, peer(i), &sends[slot * peers + i]);
    }
  };
  for (size_t k = 0; k < std::min(kInFlight, pieces.size()); ++k) start(k);
  std::vector<const float*> sources(p);  // in the chunk's order
  for (size_t k = 0; k < pieces.size(); ++k) {
    const Piece& piece = pieces[k];
    const size_t slot = k % kInFlight;
    const auto place = [&](int rank) { return (rank - piece.chunk + p) % p; };
    sources[place(group_.rank())] = data + piece.begin;
    for (int i = 0; i < peers; ++i) {
      sources[place(peer(i))] = buffer(slot, i);
      messages_.wait(&receives[slot * peers + i]);
      messages_.wait(&sends[slot * peers + i]);  // the sum goes where the segment was sent from
    }
    kernels::sum(sources, data + piece.begin, piece.size, {}, kernels::Measure::finite);
    if (k + kInFlight < pieces.size()) start(k + kInFlight);
  }
}

// Steps 0 .. p-2 are the reduce-scatter, p-1 .. 2p-3 the all-gather. In step s, rank r sends chunk
// r-s and receives chunk r-s-1, which it sends next.
void MpiAllReduce::ring(float* data, size_t count, int first_step, int last_step) {
  const int p = group_.size(), r = group_.rank();
  const int next = (r + 1) % p, previous = (r + p - 1) % p;
  // Chunks differ by an element at most; all have this many segments, some of them empty.
  const size_t per_chunk = segments((count + p - 1) / p);
  scratch_.resize(per_chunk * kSegment);
  std::vector<MPI_Request> receives(per_chunk, MPI_REQUEST_NULL);
  std::vector<MPI_Request> sends(per_chunk, MPI_REQUEST_NULL);
  const auto part = [&](int c, size_t k) {
    const Range range = chunk(count, c);
    const auto [begin, size] = segment(range.size(), k);
    return std::span(data + range.begin + begin, size);
  };
  const auto start_receive = [&](int s, size_t k) {
    const auto into = part(r - s - 1, k);
    messages_.receive(s < p - 1 ? scratch_.data() + k * kSegment : into.data(), into.size(),
                      previous, &receives[k]);
  };
  const auto start_send = [&](int s, size_t k) {
    const auto from = part(r - s, k);
    messages_.wait(&sends[k]);
    messages_.send(from.data(), from.size(), next, &sends[k]);
  };
  for (size_t k = 0; k < per_chunk; ++k) start_receive(first_step, k);
  for (size_t k = 0; k < per_chunk; ++k) start_send(first_step, k);
  for (int s = first_step; s < last_step; ++s) {
    for (size_t k = 0; k < per_chunk; ++k) {
      messages_.wait(&receives[k]);
      if (s < p - 1) {
        const auto mine = part(r - s - 1, k);
        const float* const sources[] = {scratch_.data() + k * kSegment, mine.data()};
        kernels::sum(sources, mine.data(), mine.size(), {}, kernels::Measure::finite);
      }
      if (s + 1 < last_step) {
        start_receive(s + 1, k);
        start_send(s + 1, k);
      }
    }
  }
  for (auto& request : sends) messages_.wait(&request);
}

}  // namespace ringtrain
