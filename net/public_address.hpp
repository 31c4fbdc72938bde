// SPDX-License-Identifier: Apache-2.0
// Which addresses a server may be sent to by a URL that somebody else chose. The address that is
// connected to is checked, not the name: a name may lead elsewhere a moment later.
#pragma once

#include <sys/socket.h>

#include <string>

namespace ringtrain::net {

// Returns whether an address is one of the public internet: not of this machine, its link, a
// private network (RFC 1918, 6598, 4193), a group, or one that stands for such an address of IPv4.
bool is_public(const sockaddr& address);

// "127.0.0.1", "fe80::1"; "?" for another family.
std::string print_address(const sockaddr& address);

}  // namespace ringtrain::net
