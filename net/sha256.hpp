// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ringtrain::net {

// SHA-256 of a stream of bytes.
class Sha256 {
 public:
  Sha256();
  void add(const void* data, size_t size);
  std::string hexadecimal();  // lower case; ends the stream

 private:
  std::unique_ptr<void, void (*)(void*)> context_;
};

std::string sha256(std::string_view bytes);

}  // namespace ringtrain::net
