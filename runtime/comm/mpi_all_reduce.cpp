// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/mpi_all_reduce.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "kernels/sum.hpp"
#include "runtime/comm/check_mpi.hpp"
#include "runtime/comm/deadline.hpp"
#include "runtime/comm/error.hpp"

namespace ringtrain {
namespace {

constexpr size_t kSegment = 64 * 1024;  // floats: 256 KiB, about the size that fills a TCP link
constexpr size_t kInFlight = 4;         // segments under way at a time
constexpr int kTag = 1;

using Algorithm = CommunicationSpec::Algorithm;

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

MpiAllReduce::MpiAllReduce(const MpiGroup& group, Algorithm algorithm,
                           std::chrono::duration<double> timeout)
    : group_(group), algorithm_(algorithm), timeout_(timeout) {}

void MpiAllReduce::all_reduce(float* data, size_t count) {
  if (group_.size() == 1 || count == 0) return;
  const bool short_or_pair = group_.size() == 2 || count <= kSegment / 16;
  const bool use_direct =
      algorithm_ == Algorithm::direct || (algorithm_ == Algorithm::automatic && short_or_pair);
  use_direct ? direct(data, count) : ring(data, count);
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

std::string MpiAllReduce::describe() const {
  const char* algorithm = algorithm_ == Algorithm::ring                           ? "ring"
                          : algorithm_ == Algorithm::direct || group_.size() == 2 ? "direct"
                                                                                  : "ring";
  return fmt::format("MPI {} over {} ranks", algorithm, group_.size());
}

void MpiAllReduce::direct(float* data, size_t count) {
  const int peers = group_.size() - 1;
  const size_t total = segments(count);
  scratch_.resize(kInFlight * peers * kSegment);
  std::vector<MPI_Request> receives(kInFlight * peers, MPI_REQUEST_NULL);
  std::vector<MPI_Request> sends(kInFlight * peers, MPI_REQUEST_NULL);
  // Peer i of this rank, counted from the next rank on so that not all send to the same one first.
  const auto peer = [&](int i) { return (group_.rank() + 1 + i) % group_.size(); };
  const auto buffer = [&](size_t slot, int i) {
    return scratch_.data() + (slot * peers + i) * kSegment;
  };
  const auto start = [&](size_t k) {
    const auto [begin, size] = segment(count, k);
    const size_t slot = k % kInFlight;
    for (int i = 0; i < peers; ++i) {
      receive(buffer(slot, i), size, peer(i), &receives[slot * peers + i]);
    }
    for (int i = 0; i < peers; ++i) {
      send(data + begin, size, peer(i), &sends[slot * peers + i]);
    }
  };
  for (size_t k = 0; k < std::min(kInFlight, total); ++k) start(k);
  std::vector<const float*> sources(group_.size());
  for (size_t k = 0; k < total; ++k) {
    const auto [begin, size] = segment(count, k);
    const size_t slot = k % kInFlight;
    sources[group_.rank()] = data + begin;
    for (int i = 0; i < peers; ++i) {
      sources[peer(i)] = buffer(slot, i);
      wait(&receives[slot * peers + i]);
      wait(&sends[slot * peers + i]);  // the sum goes where the segment was sent from
    }
    kernels::sum(sources, data + begin, size, {}, kernels::Measure::finite);  // not asked: the norm
    if (k + kInFlight < total) start(k + kInFlight);
  }
}

void MpiAllReduce::ring(float* data, size_t count) {
  const int p = group_.size(), r = group_.rank();
  const int next = (r + 1) % p, previous = (r + p - 1) % p;
  const int steps = 2 * (p - 1);
  const auto chunk_begin = [&](int c) { return count * static_cast<size_t>(c) / p; };
  const auto chunk = [&](int c) {
    c = ((c % p) + p) % p;
    return std::pair{data + chunk_begin(c), chunk_begin(c + 1) - chunk_begin(c)};
  };
  // Chunks differ by an element at most; all have this many segments, some of them empty.
  const size_t per_chunk = segments((count + p - 1) / p);
  scratch_.resize(per_chunk * kSegment);
  std::vector<MPI_Request> receives(per_chunk, MPI_REQUEST_NULL);
  std::vector<MPI_Request> sends(per_chunk, MPI_REQUEST_NULL);

  // In step s, rank r sends chunk r-s and receives chunk r-s-1: what it sends next.
  const auto start_receive = [&](int s, size_t k) {
    const auto [base, size] = chunk(r - s - 1);
    const auto part = segment(size, k);
    float* into = s < p - 1 ? scratch_.data() + k * kSegment : base + part.begin;
    receive(into, part.size, previous, &receives[k]);
  };
  const auto start_send = [&](int s, size_t k) {
    const auto [base, size] = chunk(r - s);
    const auto part = segment(size, k);
    wait(&sends[k]);
    send(base + part.begin, part.size, next, &sends[k]);
  };
  for (size_t k = 0; k < per_chunk; ++k) start_receive(0, k);
  for (size_t k = 0; k < per_chunk; ++k) start_send(0, k);
  for (int s = 0; s < steps; ++s) {
    for (size_t k = 0; k < per_chunk; ++k) {
      wait(&receives[k]);
      if (s < p - 1) {
        const auto [base, size] = chunk(r - s - 1);
        const auto part = segment(size, k);
        const float* const sources[] = {scratch_.data() + k * kSegment, base + part.begin};
        kernels::sum(sources, base + part.begin, part.size, {}, kernels::Measure::finite);
      }
      if (s + 1 < steps) {
        start_receive(s + 1, k);
        start_send(s + 1, k);
      }
    }
  }
  for (auto& request : sends) wait(&request);
}

void MpiAllReduce::receive(float* into, size_t count, int from, MPI_Request* request) {
  check_mpi(MPI_Irecv(into, static_cast<int>(count), MPI_FLOAT, from, kTag, group_.get(), request));
}

void MpiAllReduce::send(const float* from, size_t count, int to, MPI_Request* request) {
  check_mpi(MPI_Isend(from, static_cast<int>(count), MPI_FLOAT, to, kTag, group_.get(), request));
}

void MpiAllReduce::wait(MPI_Request* request) {
  const Deadline deadline(timeout_);
  for (unsigned tries = 1;; ++tries) {
    int done = 0;
    check_mpi(MPI_Test(request, &done, MPI_STATUS_IGNORE));
    if (done) return;
    // MPI moves data only inside its calls, so this must poll; but not at the cost of those who
    // compute.
    sched_yield();
    if (tries % 1024 == 0 && deadline.passed()) {
      throw CommunicationError(
          fmt::format("another node has not answered for {:.0f} s (communication.timeout_seconds "
                      "sets the limit)",
                      timeout_.count()));
    }
  }
}

}  // namespace ringtrain
