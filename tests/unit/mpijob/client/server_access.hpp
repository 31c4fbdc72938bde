// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mpijob/client/access.hpp"
#include "tests/unit/net/fake_server.hpp"

namespace ringtrain::mpijob {

// Returns access to the namespace `lab` of a server whose certificate the authority has signed.
inline Access access_to(const net::FakeServer& server, const net::Authority& authority) {
  Access access;
  access.origin = "the test";
  access.server = server.url();
  access.name_space = "lab";
  access.certificate_authority = authority.certificate();
  return access;
}

}  // namespace ringtrain::mpijob
