// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace ringtrain::collectives {

// The words of a rank about itself to those that it may share memory with.
struct Hello {
  std::string text, nonce;  // the text as the store has it
  size_t room;              // bytes of addresses for an arena
  std::set<std::string> cores;
  std::string place;  // the same for processes that can share memory; may contain spaces
};

// Returns the text of this process.
std::string write_hello(const std::string& nonce);

Hello read_hello(const std::string& text);

}  // namespace ringtrain::collectives
