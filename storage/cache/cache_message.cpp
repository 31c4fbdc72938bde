// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/cache_message.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.hpp"

namespace ringtrain::storage {
namespace {

// Room for one descriptor beside a message.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

}  // namespace

bool send_message(int socket, const CacheMessage& message, std::string_view payload, int file) {
  RINGTRAIN_CHECK(payload.size() <= kMostPayload);
  iovec parts[2] = {{const_cast<CacheMessage*>(&message), sizeof message},
                    {const_cast<char*>(payload.data()), payload.size()}};
  msghdr head{};
  head.msg_iov = parts;
  head.msg_iovlen = 2;
  Control control;
  if (file >= 0) {
    head.msg_control = control.bytes.data();
    head.msg_controllen = control.bytes.size();
    cmsghdr* const passed = CMSG_FIRSTHDR(&head);
    passed->cmsg_level = SOL_SOCKET;
    passed->cmsg_type = SCM_RIGHTS;
    passed->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(passed), &file, sizeof file);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &head, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

std::optional<ReceivedMessage> receive_message(int socket) {
  ReceivedMessage received;
  received.payload.resize(kMostPayload);
  iovec parts[2] = {{&received.message, sizeof received.message},
                    {received.payload.data(), received.payload.size()}};
  Control control;
  msghdr head{};
  head.msg_iov = parts;
  head.msg_iovlen = 2;
  head.msg_control = control.bytes.data();
  head.msg_controllen = control.bytes.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &head, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (const cmsghdr* passed = CMSG_FIRSTHDR(&head);
      size > 0 && passed != nullptr && passed->cmsg_type == SCM_RIGHTS) {
    int file = -1;
    std::memcpy(&file, CMSG_DATA(passed), sizeof file);
    received.file = FileDescriptor(file);
  }
  constexpr auto kHead = static_cast<ssize_t>(sizeof(CacheMessage));
  if (size < kHead || (head.msg_flags & MSG_TRUNC) != 0) return std::nullopt;
  received.payload.resize(static_cast<size_t>(size - kHead));
  return received;
}

}  // namespace ringtrain::storage
