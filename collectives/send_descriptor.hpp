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

// Returns a socket to the sender with this address, to which `text` was said.
FileDescriptor connect_to(const std::string& address, const std::string& text);

void send_descriptor(int socket, int file);

// Throws where nothing comes within the timeout.
FileDescriptor receive_descriptor(int socket, std::chrono::duration<double> timeout);

// Sends a text of at most 2 KiB. A peer that has ended does not get it.
void send_text(int socket, const std::string& text);

// Returns the next text; "" where the peer has ended, nothing where none comes in time.
std::optional<std::string> receive_text(int socket, std::chrono::milliseconds at_most);

}  // namespace ringtrain::collectives
