// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/held_port.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <system_error>

namespace ringtrain::launcher {
namespace {

FileDescriptor listen_on(int port, bool reuse) {
  FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = reuse ? 1 : 0;
  checked(::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(static_cast<uint16_t>(port));
  checked(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), "bind");
  checked(::listen(listener.get(), 1), "listen");
  return listener;
}

TEST(AHeldPort, IsBoundByAServerAlone) {
  const HeldPort held;
  EXPECT_GT(held.port(), 0);
  EXPECT_THROW(listen_on(held.port(), false), std::system_error);
  EXPECT_NO_THROW(listen_on(held.port(), true));
}

TEST(AHeldPort, MayBeHeldTwiceUntilSomebodyListens) {
  const HeldPort held;
  EXPECT_EQ(HeldPort(held.port()).port(), held.port());
  const FileDescriptor listener = listen_on(held.port(), true);
  EXPECT_THROW(HeldPort{held.port()}, std::system_error);
}

TEST(HeldPorts, Differ) {
  const HeldPort one;
  EXPECT_NE(HeldPort().port(), one.port());
}

}  // namespace
}  // namespace ringtrain::launcher
