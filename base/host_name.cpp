// SPDX-License-Identifier: Apache-2.0
#include "base/host_name.hpp"

#include <unistd.h>

#include <array>
#include <climits>

#include "base/file_descriptor.hpp"

namespace ringtrain {

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  checked(::gethostname(name.data(), name.size() - 1), "gethostname");
  return name.data();
}

}  // namespace ringtrain
