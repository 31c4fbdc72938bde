// SPDX-License-Identifier: Apache-2.0
// What a rank and the process that fetches for its host say to each other, over a Unix socket that
// keeps messages apart (SOCK_SEQPACKET). Both are of one version.
//
//   rank                      fetcher
//   open URL, etag     ->     opened size, etag, and the file that blocks appear in
//   list URL           ->     bytes: names, a line each
//   read a range       ->     bytes
//   want a range              fetched when there is room, in the order of the wishes
//   hold a range       ->     held: it is in the file, and stays until the rank drops it
//   drop a range
//   forget                    the wishes that are not fetched yet are void
//
// Instead of each answer there may be a refusal, with a line for the user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_descriptor.hpp"

namespace ringtrain::storage {

struct CacheMessage {
  enum class Kind : uint32_t {
    open,
    list,
    read,
    want,
    hold,
    drop,
    forget,  // of a rank
    opened,
    bytes,
    held,
    refused,  // of the fetcher
  };
  Kind kind = Kind::open;
  uint32_t object = 0;  // number of an opened object
  uint64_t ticket = 0;  // of a request, repeated in its answer
  uint64_t offset = 0;
  uint64_t size = 0;  // bytes of a range, or of an object
};

inline constexpr size_t kMostPayload = 64 << 10;

struct ReceivedMessage {
  CacheMessage message;
  std::string payload;
  FileDescriptor file;
};

// Sends a message. Returns false where the other side is gone.
bool send_message(int socket, const CacheMessage& message, std::string_view payload = {},
                  int file = -1);

// Blocks until there is a message. Returns nothing where the other side is gone, or sends what is
// no message.
std::optional<ReceivedMessage> receive_message(int socket);

}  // namespace ringtrain::storage
