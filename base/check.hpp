// SPDX-License-Identifier: Apache-2.0
// Invariants where parts meet: conditions that only a defect of this program can break. Users,
// files and other machines cause errors instead (base/error.hpp).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ringtrain {

[[noreturn]] inline void fail_check(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace ringtrain

// Aborts the process, in every build, unless the condition holds: a broken invariant must not
// become a wrong model.
#define RINGTRAIN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::ringtrain::fail_check(__FILE__, __LINE__, #condition))
