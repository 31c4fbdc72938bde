// SPDX-License-Identifier: Apache-2.0
// A door for one user: takes HTTP requests at an address of this machine, adds a header to each, as
// a token, and passes them to a server. The server still sees the Host and Origin that were sent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace ringtrain::net {

struct HttpDoorOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;     // 0: any that is free
  uint16_t to_port = 0;  // of the server, on 127.0.0.1
  std::string header;    // "Authorization: Bearer TOKEN"; one of that name in a request is replaced
  std::string prefix = {};  // put before the path of each request: "/kubeml"
};

// Returns the head of a request, which ends with an empty line, with the header instead of any of
// its name, the prefix before its path, and without keeping the connection. Empty where it is no
// head.
std::string with_header(const std::string& head, const std::string& header,
                        const std::string& prefix = "");

// Thread: run() does everything on its own; stop() may come from any thread.
class HttpDoor {
 public:
  // Listens from here on. Throws std::system_error where the address is taken.
  explicit HttpDoor(const HttpDoorOptions& options);
  ~HttpDoor();
  HttpDoor(const HttpDoor&) = delete;
  HttpDoor& operator=(const HttpDoor&) = delete;

  uint16_t port() const;
  // Passes requests on until stop(), SIGINT or SIGTERM.
  void run();
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ringtrain::net
