// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

#include "runtime/comm/world.hpp"

namespace ringtrain {

// The exit code that an error ends a program with: 2 for JobError, 3 for DataError, 4 for any
// other.
int exit_code_of(const std::exception& error);

// An error that every rank knows of, so that all can leave together and in peace.
class AgreedError : public std::runtime_error {
 public:
  AgreedError(const std::string& message, int exit_code, int rank)
      : std::runtime_error(message), exit_code_(exit_code), rank_(rank) {}
  int exit_code() const { return exit_code_; }
  int rank() const { return rank_; }  // whose error it is

 private:
  int exit_code_;
  int rank_;
};

// Runs `part` on every rank, and throws AgreedError on all of them when it throws on any: the one
// of the lowest rank. `part` must not itself call MPI. Collective.
void agree(const World& world, const std::function<void()>& part);

}  // namespace ringtrain
