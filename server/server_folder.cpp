// SPDX-License-Identifier: Apache-2.0
#include "server/server_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/terminal/utf8.hpp"
#include "base/time.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;

namespace {

nlohmann::json read_holder(const fs::path& folder) {
  try {
    const auto holder = nlohmann::json::parse(read_file(folder / "server.lock"), nullptr, false);
    return holder.is_object() ? holder : nlohmann::json::object();
  } catch (const Error&) {
    return nlohmann::json::object();
  }
}

// Returns a member of server.lock; `none` where it has none.
std::string said(const nlohmann::json& holder, const char* key, const std::string& none) {
  const auto found = holder.find(key);
  return found != holder.end() && found->is_string() ? found->get<std::string>() : none;
}

// SQLite's journal needs memory that is shared between processes of one host.
void refuse_network_disk(const fs::path& folder) {
  struct statfs about {};
  if (::statfs(folder.c_str(), &about) != 0) return;
  constexpr std::array<std::pair<uint32_t, const char*>, 4> kNetworks = {
      {{0x6969, "NFS"}, {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"}, {0x0BD00BD0, "Lustre"}}};
  for (const auto& [magic, name] : kNetworks) {
    if (static_cast<uint32_t>(about.f_type) != magic) continue;
    throw job_error(
        fmt::format("{} is on {}, where a lock does not hold: use a folder on a disk of "
                    "this machine",
                    folder.string(), name));
  }
}

}  // namespace

fs::path prepare_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw job_error(fmt::format("{}: cannot be made: {}: use another folder", folder.string(),
                                error.message()));
  }
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    throw job_error(fmt::format("{}: cannot be written: use another folder", folder.string()));
  }
  refuse_network_disk(folder);
  fs::path canonical = fs::canonical(folder);
  if (!is_utf8_text(canonical.string())) {
    throw job_error(fmt::format("{}: its path is not UTF-8, as JSON must be: use another folder",
                                canonical.string()));
  }
  return canonical;
}

bool is_own_folder(const std::string& name) {
  constexpr std::array<const char*, 9> kOwn = {
      "jobs", "trash", "keys", "outbox", "uploads", "datasets", "models", "operations", "kubeml"};
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
}

FolderLock::FolderLock(const fs::path& folder) : file_(folder / "server.lock") {
  descriptor_ = FileDescriptor(
      checked(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "server.lock"));
  if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) == 0) return;
  const auto holder = read_holder(folder);
  throw job_error(fmt::format(
      "{} is served by process {} since {} at {}: stop it, or use another folder", folder.string(),
      said(holder, "pid", "?"), said(holder, "since", "?"), said(holder, "address", "?")));
}

void FolderLock::say(const std::string& address) {
  const nlohmann::ordered_json holder = {{"pid", std::to_string(::getpid())},
                                         {"since", print_time(std::chrono::system_clock::now())},
                                         {"address", address}};
  const std::string text = holder.dump() + "\n";
  // In place, since a full disk would not give the block back.
  checked(static_cast<int>(::pwrite(descriptor_.get(), text.data(), text.size(), 0)), "pwrite");
  checked(::ftruncate(descriptor_.get(), static_cast<off_t>(text.size())), "ftruncate");
}

std::string address_of_server(const fs::path& folder) {
  return said(read_holder(folder), "address", "");
}

}  // namespace ringtrain::server
