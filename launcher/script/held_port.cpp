// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/held_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace ringtrain::launcher {
namespace {

template <class Address>
int bind_to(int socket, Address address) {
  const int on = 1;
  checked(::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
  checked(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  socklen_t size = sizeof address;
  checked(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  if constexpr (std::is_same_v<Address, sockaddr_in6>) {
    return ntohs(address.sin6_port);
  } else {
    return ntohs(address.sin_port);
  }
}

}  // namespace

HeldPort::HeldPort(int port) {
  const in_port_t number = htons(static_cast<uint16_t>(port));
  // A socket of IPv6 holds the port of IPv4 as well; a machine may have IPv4 alone.
  socket_ = FileDescriptor(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  if (socket_.is_open() &&
      ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = number;
    port_ = bind_to(socket_.get(), any);
    return;
  }
  socket_ = FileDescriptor(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = number;
  port_ = bind_to(socket_.get(), any);
}

}  // namespace ringtrain::launcher
