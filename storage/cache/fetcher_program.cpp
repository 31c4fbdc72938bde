// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/fetcher_program.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "base/spawn.hpp"
#include "storage/cache/host_cache.hpp"

namespace ringtrain::storage {
namespace {

namespace fs = std::filesystem;

// Everything by which two jobs of a user may not share a fetcher: its place, and whose keys it has.
constexpr const char* kVariables[] = {"TMPDIR",
                                      "HOME",
                                      "AWS_ACCESS_KEY_ID",
                                      "AWS_SECRET_ACCESS_KEY",
                                      "AWS_SESSION_TOKEN",
                                      "AWS_ENDPOINT_URL",
                                      "AWS_ENDPOINT_URL_S3",
                                      "AWS_REGION",
                                      "AWS_DEFAULT_REGION",
                                      "AWS_PROFILE",
                                      "AWS_CONFIG_FILE",
                                      "AWS_SHARED_CREDENTIALS_FILE",
                                      "AWS_ROLE_ARN",
                                      "AWS_CA_BUNDLE",
                                      "AWS_WEB_IDENTITY_TOKEN_FILE",
                                      "AWS_ENDPOINT_URL_STS",
                                      "endpoint_url",
                                      "region_name",
                                      "datasetsbucket",
                                      "aws_access_key_id",
                                      "aws_secret_access_key",
                                      "RINGTRAIN_URLS",
                                      "PMIX_NAMESPACE",
                                      "OMPI_MCA_ess_base_jobid"};

constexpr int kType = SOCK_SEQPACKET | SOCK_CLOEXEC;

uint64_t hash_of(std::string_view text) {
  uint64_t hash = text.size();
  for (const char c : text) hash = mix(hash, static_cast<unsigned char>(c));
  return hash;
}

// The name has no file: it ends with the fetcher, however that ends.
sockaddr_un address_for(const CacheOptions& options, socklen_t& size) {
  uint64_t hash = mix(options.bytes, hash_of(options.folder.native()), ::getuid());
  for (const char* name : kVariables) {
    const char* const value = std::getenv(name);
    hash = mix(hash, value == nullptr ? 0 : hash_of(value));
  }
  const std::string name = fmt::format("ringtrain-fetch-{:016x}", hash);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

// Anybody may take a name without a file.
bool is_ours(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::getuid();
}

}  // namespace

std::string ringtrain_program() {
  if (const char* const chosen = std::getenv("RINGTRAIN_PROGRAM")) return chosen;
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {own.parent_path(), own.parent_path().parent_path()}) {
    const fs::path program = folder / "ringtrain";
    if (::access(program.c_str(), X_OK) == 0 && fs::is_regular_file(program, error)) return program;
  }
  return "ringtrain";
}

FileDescriptor listen_for_ranks(const CacheOptions& options) {
  socklen_t size = 0;
  const sockaddr_un address = address_for(options, size);
  FileDescriptor listener(checked(::socket(AF_UNIX, kType, 0), "socket"));
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener.get(), 128) != 0) {
    listener.close();
  }
  return listener;
}

FileDescriptor connect_to_fetcher(const CacheOptions& options) {
  socklen_t size = 0;
  const sockaddr_un address = address_for(options, size);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  FileDescriptor own(checked(::socket(AF_UNIX, kType, 0), "socket"));
  if (::connect(own.get(), name, size) == 0) {
    if (is_ours(own.get())) return own;
    throw data_error(
        "another user of this host has taken the name of the process that fetches "
        "data: set dataset_cache.folder");
  }
  const FileDescriptor listener = listen_for_ranks(options);
  if (!listener.is_open() || ::connect(own.get(), name, size) != 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // until the winner listens
    return FileDescriptor();
  }
  // Without our standard streams: mpirun waits for those to close.
  try {
    spawn({.arguments = {ringtrain_program(), "fetch", std::to_string(options.bytes),
                         options.folder.native()},
           .standard_input = listener.get(),
           .standard_output = kDevNull,
           .standard_error = kDevNull,
           .own_group = true});
  } catch (const std::system_error& error) {
    throw data_error(fmt::format(
        "{}: it fetches what is at URLs: put it beside this program, or set RINGTRAIN_PROGRAM",
        error.what()));
  }
  return own;
}

}  // namespace ringtrain::storage
