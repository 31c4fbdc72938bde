// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// An error that every rank knows of, so that all ranks exit together.
class SharedError : public Error {
 public:
  SharedError(ErrorKind kind, const std::string& message, int rank)
      : Error(kind, message), rank_(rank) {}
  // The rank that failed.
  int rank() const { return rank_; }

 private:
  int rank_;
};

// The kind of any exception: a mistake of the model that libtorch reports is ErrorKind::training,
// for it would come again; what a device or the system reports is ErrorKind::lost, which may not.
ErrorKind kind_of(const std::exception& error);

// Runs `part` on every rank. If it throws on any, throws a SharedError on all of them: the error of
// the lowest rank, with its kind_of(). Requires: `part` does not call
// MPI. Collective.
void run_on_all_ranks(const World& world, const std::function<void()>& part);

}  // namespace ringtrain
