// SPDX-License-Identifier: Apache-2.0
#include "server/served_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

namespace ringtrain::server {

namespace fs = std::filesystem;

namespace {

// The first and last byte of "bytes=A-B", "bytes=A-" or "bytes=-N" of so many bytes.
std::optional<std::pair<uint64_t, uint64_t>> range_of(std::string_view text, uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!text.starts_with(kUnit) || size == 0) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (dash == 0) {
    if (!last || *last == 0) return std::nullopt;
    return std::pair(size - std::min(*last, size), size - 1);
  }
  const bool open_end = dash + 1 == text.size();
  if (!first || *first >= size || (!last && !open_end) || (last && *last < *first)) {
    return std::nullopt;
  }
  return std::pair(*first, std::min(last.value_or(size - 1), size - 1));
}

}  // namespace

std::optional<FileDescriptor> open_below(const fs::path& folder, const std::string& path) {
  for (const fs::path& part : fs::path(path)) {
    if (part.empty() || part == "." || part == ".." || part == "/") return std::nullopt;
  }
  const FileDescriptor at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  FileDescriptor file(
      static_cast<int>(::syscall(SYS_openat2, at.get(), path.c_str(), &how, sizeof how)));
  if (!file.is_open() && (errno == ENOSYS || errno == EPERM)) checked(-1, "openat2");
  struct stat about {};
  const bool is_file = file.is_open() && ::fstat(file.get(), &about) == 0 && S_ISREG(about.st_mode);
  return is_file ? std::optional(std::move(file)) : std::nullopt;
}

uint64_t size_of(const FileDescriptor& file) {
  struct stat about {};
  checked(::fstat(file.get(), &about), "fstat");
  return static_cast<uint64_t>(about.st_size);
}

net::Answer whole_file(FileDescriptor file, const std::string& type) {
  const uint64_t size = size_of(file);
  return {.headers = {{"Content-Type", type}}, .file = net::ServedFile{std::move(file), 0, size}};
}

net::Answer download_answer(FileDescriptor file, const std::string& name, std::string_view wanted) {
  const uint64_t size = size_of(file);
  std::string safe;
  for (const char c : name) {
    const bool plain = c > ' ' && c < '\x7f' && c != '"' && c != '\\';
    safe += plain ? c : '_';
  }
  net::Answer answer{
      .headers = {{"Content-Type", "application/octet-stream"},
                  {"Content-Disposition", fmt::format("attachment; filename=\"{}\"", safe)},
                  {"Accept-Ranges", "bytes"}},
      .file = net::ServedFile{std::move(file), 0, size}};
  if (!wanted.starts_with("bytes=")) return answer;
  const auto range = range_of(wanted, size);
  if (!range) {
    net::Answer refusal{.status = 416,
                        .headers = {{"Content-Range", fmt::format("bytes */{}", size)}}};
    return refusal;
  }
  answer.status = 206;
  answer.file->offset = range->first;
  answer.file->size = range->second - range->first + 1;
  answer.headers.emplace_back("Content-Range",
                              fmt::format("bytes {}-{}/{}", range->first, range->second, size));
  return answer;
}

}  // namespace ringtrain::server
