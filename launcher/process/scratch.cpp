// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/scratch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <random>
#include <string_view>
#include <system_error>
#include <vector>

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "ringtrain-";
constexpr size_t kDigits = 16;

bool is_ours(const std::string& name) {
  return name.starts_with(kPrefix) && name.size() == kPrefix.size() + kDigits &&
         name.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string::npos;
}

}  // namespace

std::string new_scratch_name() {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}", kPrefix, random(), random());
}

std::string scratch_in_memory(const std::string& name) { return "/dev/shm/" + name; }
std::string scratch_for_session(const std::string& name) { return "/tmp/" + name; }

void make_scratch(const std::string& name) {
  if (!is_ours(name)) return;
  std::error_code ignored;
  for (const std::string& folder : {scratch_in_memory(name), scratch_for_session(name)}) {
    fs::create_directory(folder, ignored);
    fs::permissions(folder, fs::perms::owner_all, ignored);
  }
}

void remove_scratch(const std::string& name) {
  if (!is_ours(name)) return;
  std::error_code ignored;
  fs::remove_all(scratch_in_memory(name), ignored);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return;
  // Open MPI's folders there are called "ompi.HOST.USER".
  const std::string ours = fmt::format("ompi.{}.", std::string(host.data()));
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(scratch_for_session(name), ignored)) {
    if (entry.path().filename().string().starts_with(ours)) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove_all(path, ignored);
  ::rmdir(scratch_for_session(name).c_str());  // fails while another host uses it
}

}  // namespace ringtrain::launcher
