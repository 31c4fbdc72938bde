// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "kernels/element.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// Point-to-point messages inside a group, waited for until a deadline.
// Errors: a lost error where MPI fails or another node does not answer within the timeout.
class MpiMessages {
 public:
  // The group must outlive this object.
  MpiMessages(const MpiGroup& group, std::chrono::duration<double> timeout)
      : group_(group), timeout_(timeout) {}

  // Start one message of `count` floats. Memory must stay until wait(request).
  void receive(float* into, size_t count, int from, MPI_Request* request);
  void send(const float* from, size_t count, int to, MPI_Request* request);
  // Blocks until the request is complete; any request of MPI's.
  void wait(MPI_Request* request);

  // Start as many messages as `count` values need. Memory must stay until wait_for_pieces().
  void receive_pieces(kernels::bf16* into, size_t count, int from);
  void send_pieces(const kernels::bf16* from, size_t count, int to);
  void wait_for_pieces();

  // Sends the values of the group's first rank to all.
  void broadcast(float* data, size_t count);

 private:
  const MpiGroup& group_;
  std::chrono::duration<double> timeout_;
  std::vector<MPI_Request> pieces_;  // under way
};

}  // namespace ringtrain
