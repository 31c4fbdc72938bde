// SPDX-License-Identifier: Apache-2.0
// An open file handed from one process to others of the same user on this host. Errors are
// std::runtime_error, for a caller that turns them into an Error.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"

namespace ringtrain::collectives {

// A process that asks for a descriptor, and the text that it sent.
struct Peer {
  FileDescriptor socket;
  std::string said;
};

class DescriptorSender {
 public:
  // Returns an address on which receive_descriptor() can ask. It is in the kernel's abstract name
  // space: no file, gone with the process.
  std::string listen();

  // Sends `file` to the next `receivers` processes that ask. Throws at the timeout.
  void send(int file, int receivers, std::chrono::duration<double> timeout);

  // Returns the next process of the same user that asks; nothing where none comes in time.
  std::optional<Peer> accept(std::chrono::milliseconds at_most);

 private:
  FileDescriptor socket_;
};

void send_descriptor(int socket, int file);

// Says `text` and waits for the descriptor. Throws where nothing comes within the timeout.
FileDescriptor receive_descriptor(const std::string& address, const std::string& text,
                                  std::chrono::duration<double> timeout);

}  // namespace ringtrain::collectives
