// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/mpi_messages.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain {
namespace {

constexpr size_t kLargestMessage = 4 << 20;  // elements; Open MPI has a cliff at 32 MiB
constexpr int kTag = 1;

// Calls f(begin, size) for pieces of at most kLargestMessage elements.
template <class F>
void for_each_piece(size_t count, const F& f) {
  for (size_t begin = 0; begin < count; begin += kLargestMessage) {
    f(begin, std::min(kLargestMessage, count - begin));
  }
}

}  // namespace

void MpiMessages::receive(float* into, size_t count, int from, MPI_Request* request) {
  check_mpi(MPI_Irecv(into, static_cast<int>(count), MPI_FLOAT, from, kTag, group_.get(), request));
}

void MpiMessages::send(const float* from, size_t count, int to, MPI_Request* request) {
  check_mpi(MPI_Isend(from, static_cast<int>(count), MPI_FLOAT, to, kTag, group_.get(), request));
}

void MpiMessages::receive_pieces(kernels::bf16* into, size_t count, int from) {
  for_each_piece(count, [&](size_t begin, size_t size) {
    check_mpi(MPI_Irecv(into + begin, static_cast<int>(size), MPI_UINT16_T, from, kTag,
                        group_.get(), &pieces_.emplace_back(MPI_REQUEST_NULL)));
  });
}

void MpiMessages::send_pieces(const kernels::bf16* from, size_t count, int to) {
  for_each_piece(count, [&](size_t begin, size_t size) {
    check_mpi(MPI_Isend(from + begin, static_cast<int>(size), MPI_UINT16_T, to, kTag, group_.get(),
                        &pieces_.emplace_back(MPI_REQUEST_NULL)));
  });
}

void MpiMessages::wait_for_pieces() {
  for (MPI_Request& request : pieces_) wait(&request);
  pieces_.clear();
}

void MpiMessages::broadcast(float* data, size_t count) {
  for_each_piece(count, [&](size_t begin, size_t size) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(
        MPI_Ibcast(data + begin, static_cast<int>(size), MPI_FLOAT, 0, group_.get(), &request));
    wait(&request);
  });
}

// MPI moves data only inside its calls, so this must poll: eagerly at first, then so that threads
// which compute on the same cores make progress.
void MpiMessages::wait(MPI_Request* request) {
  constexpr unsigned kEagerTries = 200;
  constexpr unsigned kTriesBetweenClocks = 1024;
  const Deadline deadline(timeout_);
  for (unsigned tries = 1;; ++tries) {
    int done = 0;
    check_mpi(MPI_Test(request, &done, MPI_STATUS_IGNORE));
    if (done) return;
    if (tries < kEagerTries) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    if (tries % kTriesBetweenClocks == 0 && deadline.passed()) {
      throw lost_error(
          fmt::format("another node has not answered for {:.0f} s (communication.timeout_seconds "
                      "sets the limit)",
                      timeout_.count()));
    }
  }
}

}  // namespace ringtrain
