// SPDX-License-Identifier: Apache-2.0
#include "job/finish_file.hpp"

#include <system_error>

#include "base/file.hpp"

namespace ringtrain {
namespace {

std::filesystem::path file_in(const std::filesystem::path& output) { return output / "finish"; }

}  // namespace

void ask_to_finish(const std::filesystem::path& output) { write_file(file_in(output), ""); }

bool is_asked_to_finish(const std::filesystem::path& output) {
  std::error_code error;
  return std::filesystem::exists(file_in(output), error);
}

void forget_finish_request(const std::filesystem::path& output) {
  std::error_code ignored;
  std::filesystem::remove(file_in(output), ignored);
}

}  // namespace ringtrain
