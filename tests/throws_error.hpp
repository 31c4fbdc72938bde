// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include "base/error.hpp"

namespace ringtrain {

// Matches a callable that throws an Error of this kind whose message matches.
template <typename Message>
auto ThrowsError(ErrorKind kind, const Message& message) {
  return ::testing::Throws<Error>(::testing::AllOf(::testing::Property(&Error::kind, kind),
                                                   ::testing::Property(&Error::what, message)));
}
inline auto ThrowsError(ErrorKind kind) { return ThrowsError(kind, ::testing::_); }

}  // namespace ringtrain
