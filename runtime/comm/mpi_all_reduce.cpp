// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/mpi_all_reduce.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "kernels/pack.hpp"
#include "kernels/sum.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain {
namespace {

constexpr size_t kSegment = MpiAllReduce::kSegmentBytes / sizeof(float);
constexpr size_t kInFlight = 8;              // segments under way at a time: they still fit a cache
constexpr size_t kShort = kSegment / 8;      // below it latency is all that counts
constexpr size_t kLargestMessage = 4 << 20;  // elements; Open MPI has a cliff at 32 MiB
constexpr int kTag = 1;

// Segment k of [0, count).
struct Segment {
  size_t begin, size;
};
Segment segment(size_t count, size_t k) {
  const size_t begin = std::min(count, k * kSegment);
  return {begin, std::min(kSegment, count - begin)};
}
size_t segments(size_t count) { return (count + kSegment - 1) / kSegment; }

// Calls f(begin, size) for pieces of at most kLargestMessage elements.
template <class F>
void for_each_piece(size_t count, const F& f) {
  for (size_t begin = 0; begin < count; begin += kLargestMessage) {
    f(begin, std::min(kLargestMessage, count - begin));
  }
}

}  // namespace

MpiAllReduce::MpiAllReduce(const MpiGroup& group, const CommunicationSpec& spec)
    : group_(group),
      algorithm_(spec.algorithm),
      bf16_(spec.wire == CommunicationSpec::Wire::bf16),
      timeout_(spec.timeout_seconds) {
  // Two ranks send as much either way, and directly they wait once.
  if (algorithm_ == Algorithm::automatic && group.size() == 2) algorithm_ = Algorithm::direct;
}

void MpiAllReduce::choose_algorithm(size_t count) {
  if (algorithm_ != Algorithm::automatic || bf16_ || group_.size() == 1) return;
  constexpr int kRounds = 5;
  std::vector<float> data(count);
  std::array<double, 2> fastest = {1e30, 1e30};
  for (int round = 0; round < 2 * kRounds; ++round) {
    const bool around = round % 2 == 1;
    double ready = 0;
    all_reduce({&ready, 1});  // all start together
    const double start = MPI_Wtime();
    around ? ring(data.data(), count, 0, 2 * (group_.size() - 1)) : direct(data.data(), count);
    fastest[around] = std::min(fastest[around], MPI_Wtime() - start);
  }
  all_reduce(fastest);  // the same verdict everywhere
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
  wait(&request);
  for (size_t i = 0; i < values.size(); ++i) {
    double total = 0;
    for (int r = 0; r < group_.size(); ++r) total += gathered_[r * values.size() + i];
    values[i] = total;
  }
}

void MpiAllReduce::broadcast(float* data, size_t count) {
  for_each_piece(count, [&](size_t begin, size_t size) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(
        MPI_Ibcast(data + begin, static_cast<int>(size), MPI_FLOAT, 0, group_.get(), &request));
    wait(&request);
  });
}

std::string MpiAllReduce::describe() const {
  if (bf16_) return fmt::format("MPI bf16 over {} ranks", group_.size());
  return fmt::format("MPI {}{} over {} ranks", algorithm_ == Algorithm::direct ? "direct" : "ring",
                     measured_ ? " (the faster one)" : "", group_.size());
}

Range MpiAllReduce::chunk(size_t count, int c) const {
  const int p = group_.size();
  const auto index = static_cast<size_t>(((c % p) + p) % p);
  return {count * index / p, count * (index + 1) / p};
}

// Where the ring's first half ends.
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
      receive(buffer(slot, i), piece.size, peer(i), &receives[slot * peers + i]);
    }
    for (int i = 0; i < peers; ++i) {
      send(data + piece.begin, piece.size, peer(i), &sends[slot * peers + i]);
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
      wait(&receives[slot * peers + i]);
      wait(&sends[slot * peers + i]);  // the sum goes where the segment was sent from
    }
    kernels::sum(sources, data + piece.begin, piece.size, {}, kernels::Measure::finite);
    if (k + kInFlight < pieces.size()) start(k + kInFlight);
  }
}

// Steps 0 .. p-2 are the reduce-scatter, p-1 .. 2p-3 the all-gather. In step s, rank r sends chunk
// r-s and receives chunk r-s-1: what it sends next.
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
    receive(s < p - 1 ? scratch_.data() + k * kSegment : into.data(), into.size(), previous,
            &receives[k]);
  };
  const auto start_send = [&](int s, size_t k) {
    const auto from = part(r - s, k);
    wait(&sends[k]);
    send(from.data(), from.size(), next, &sends[k]);
  };
  for (size_t k = 0; k < per_chunk; ++k) start_receive(first_step, k);
  for (size_t k = 0; k < per_chunk; ++k) start_send(first_step, k);
  for (int s = first_step; s < last_step; ++s) {
    for (size_t k = 0; k < per_chunk; ++k) {
      wait(&receives[k]);
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
  for (auto& request : sends) wait(&request);
}

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
      receive(received_.data() + i * mine.size(), mine.size(), from);
    }
  }
  for (int i = 1; i < p; ++i) {
    const int to = (r + i) % p;
    const Range theirs = chunk(count, to + 1);
    send(wire_.data() + theirs.begin, theirs.size(), to);
  }
  wait_for_all_pieces();
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
    receive(wire_.data() + theirs.begin, theirs.size(), peer);
    send(wire_.data() + mine.begin, mine.size(), peer);
  }
  wait_for_all_pieces();
  // The owner, too, takes what was rounded: the same bits everywhere.
  const kernels::bf16* const rounded[] = {wire_.data()};
  kernels::sum(rounded, data, count, {}, kernels::Measure::finite);
}

void MpiAllReduce::receive(float* into, size_t count, int from, MPI_Request* request) {
  check_mpi(MPI_Irecv(into, static_cast<int>(count), MPI_FLOAT, from, kTag, group_.get(), request));
}

void MpiAllReduce::send(const float* from, size_t count, int to, MPI_Request* request) {
  check_mpi(MPI_Isend(from, static_cast<int>(count), MPI_FLOAT, to, kTag, group_.get(), request));
}

void MpiAllReduce::receive(kernels::bf16* into, size_t count, int from) {
  for_each_piece(count, [&](size_t begin, size_t size) {
    check_mpi(MPI_Irecv(into + begin, static_cast<int>(size), MPI_UINT16_T, from, kTag,
                        group_.get(), &pieces_.emplace_back(MPI_REQUEST_NULL)));
  });
}

void MpiAllReduce::send(const kernels::bf16* from, size_t count, int to) {
  for_each_piece(count, [&](size_t begin, size_t size) {
    check_mpi(MPI_Isend(from + begin, static_cast<int>(size), MPI_UINT16_T, to, kTag, group_.get(),
                        &pieces_.emplace_back(MPI_REQUEST_NULL)));
  });
}

void MpiAllReduce::wait_for_all_pieces() {
  for (MPI_Request& request : pieces_) wait(&request);
  pieces_.clear();
}

void MpiAllReduce::wait(MPI_Request* request) {
  // MPI moves data only inside its calls, so this must poll: eagerly at first, then so that those
  // who compute on the same cores get on.
  constexpr unsigned kEager = 200;
  const Deadline deadline(timeout_);
  for (unsigned tries = 1;; ++tries) {
    int done = 0;
    check_mpi(MPI_Test(request, &done, MPI_STATUS_IGNORE));
    if (done) return;
    if (tries < kEager) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    if (tries % 1024 == 0 && deadline.passed()) {
      throw lost_error(
          fmt::format("another node has not answered for {:.0f} s (communication.timeout_seconds "
                      "sets the limit)",
                      timeout_.count()));
    }
  }
}

}  // namespace ringtrain
