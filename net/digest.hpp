// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ringtrain::net {

// A digest that the other side chooses, of a stream of bytes. All functions throw a data error
// where OpenSSL refuses.
class Digest {
 public:
  // algorithm: as OpenSSL names it: "sha1", "sha256".
  explicit Digest(const char* algorithm);
  void add(std::string_view bytes);
  std::string bytes();  // ends the stream

 private:
  std::unique_ptr<void, void (*)(void*)> context_;
};

}  // namespace ringtrain::net
