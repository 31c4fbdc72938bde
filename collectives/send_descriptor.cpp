// SPDX-License-Identifier: Apache-2.0
#include "collectives/send_descriptor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>
#include <stdexcept>

#include "base/deadline.hpp"

namespace ringtrain::collectives {
namespace {

FileDescriptor new_socket() {
  return FileDescriptor(checked(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket"));
}

struct Address {
  sockaddr_un un = {};
  socklen_t size = 0;

  // A name that begins with a zero byte is abstract.
  explicit Address(const std::string& name) {
    un.sun_family = AF_UNIX;
    if (name.size() + 1 >= sizeof un.sun_path)
      throw std::runtime_error("not an address of a socket");
    std::memcpy(un.sun_path + 1, name.data(), name.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }
};

void wait_until_readable(int socket, const Deadline& deadline) {
  pollfd waiting = {.fd = socket, .events = POLLIN, .revents = 0};
  if (!poll_until({&waiting, 1}, deadline))
    throw std::runtime_error("another rank of this node did not come in time");
}

// Names of sockets are public, so a stranger may have come.
bool is_same_user(int socket) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

// A message of one byte with room for one descriptor.
struct Message {
  char byte = 0;
  iovec data = {.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  msghdr header = {};

  Message() {
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
};

}  // namespace

std::string DescriptorSender::listen() {
  std::random_device random;
  const std::string name =
      fmt::format("ringtrain-{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
  const Address address(name);
  socket_ = new_socket();
  checked(bind(socket_.get(), address.get(), address.size), "bind");
  checked(::listen(socket_.get(), SOMAXCONN), "listen");
  return name;
}

void send_descriptor(int socket, int file) {
  Message message;
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof file);
  std::memcpy(CMSG_DATA(part), &file, sizeof file);
  checked(static_cast<int>(sendmsg(socket, &message.header, MSG_NOSIGNAL)), "sendmsg");
}

void DescriptorSender::send(int file, int receivers, std::chrono::duration<double> timeout) {
  const Deadline deadline(timeout);
  for (int sent = 0; sent < receivers;) {
    const auto peer = accept(deadline.left());
    if (!peer) throw std::runtime_error("another rank of this node did not come in time");
    send_descriptor(peer->socket.get(), file);
    ++sent;
  }
  socket_.close();
}

std::optional<Peer> DescriptorSender::accept(std::chrono::milliseconds at_most) {
  const Deadline deadline(at_most);
  while (true) {
    pollfd waiting = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (!poll_until({&waiting, 1}, deadline)) return std::nullopt;
    Peer peer;
    peer.socket =
        FileDescriptor(checked(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
    if (!is_same_user(peer.socket.get())) continue;
    std::array<char, 64> text = {};
    waiting.fd = peer.socket.get();
    if (!poll_until({&waiting, 1}, Deadline(std::chrono::seconds(1)))) continue;
    const auto size = recv(peer.socket.get(), text.data(), text.size(), 0);
    if (size <= 0) continue;
    peer.said.assign(text.data(), static_cast<size_t>(size));
    return peer;
  }
}

FileDescriptor connect_to(const std::string& address, const std::string& text) {
  const Address to(address);
  FileDescriptor socket = new_socket();
  checked(connect(socket.get(), to.get(), to.size), "connect");
  if (!is_same_user(socket.get())) throw std::runtime_error("the socket of another user answered");
  checked(static_cast<int>(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL)), "send");
  return socket;
}

FileDescriptor receive_descriptor(int socket, std::chrono::duration<double> timeout) {
  wait_until_readable(socket, Deadline(timeout));
  Message message;
  checked(static_cast<int>(recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC)), "recvmsg");
  const cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  if (part == nullptr || part->cmsg_type != SCM_RIGHTS || part->cmsg_len != CMSG_LEN(sizeof(int))) {
    throw std::runtime_error("local rank 0 sent no memory");
  }
  int file = -1;
  std::memcpy(&file, CMSG_DATA(part), sizeof file);
  return FileDescriptor(file);
}

void send_text(int socket, const std::string& text) {
  ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
}

std::optional<std::string> receive_text(int socket, std::chrono::milliseconds at_most) {
  pollfd waiting = {.fd = socket, .events = POLLIN, .revents = 0};
  if (!poll_until({&waiting, 1}, Deadline(at_most))) return std::nullopt;
  std::array<char, 2048> text = {};
  auto size = recv(socket, text.data(), text.size(), 0);
  // A peer that ended without reading our text may have sent one before.
  if (size < 0 && errno == ECONNRESET) size = recv(socket, text.data(), text.size(), 0);
  return std::string(text.data(), size < 0 ? 0 : static_cast<size_t>(size));
}

}  // namespace ringtrain::collectives
