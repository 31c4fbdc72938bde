// SPDX-License-Identifier: Apache-2.0
#include "server/api/audit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "base/file_descriptor.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "server/now_text.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr uint64_t kPiece = uint64_t{1} << 20;  // that a page is taken from

}  // namespace

void Audit::add(const Change& change) {
  ordered_json line = {{"time", now_text()},
                       {"by", change.by},
                       {"from", change.from},
                       {"request", change.request},
                       {"status", change.status}};
  if (!change.made.empty()) line["made"] = change.made;
  std::error_code ignored;
  if (const auto size = fs::file_size(file_, ignored); !ignored && size > kMostBytes) {
    fs::rename(file_, file_.string() + ".1", ignored);
  }
  const FileDescriptor file(
      ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  if (!file.is_open() || write_all(file.get(), text) != text.size()) {
    log_error(fmt::format("{}: {}: lost {}", file_.string(), std::strerror(errno), trimmed(text)));
  }
}

ordered_json Audit::page(size_t limit, std::optional<uint64_t> before) const {
  ordered_json changes = ordered_json::array();
  ordered_json next = nullptr;
  const FileDescriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat about {};
  if (file.is_open() && ::fstat(file.get(), &about) == 0) {
    const auto size = static_cast<uint64_t>(about.st_size);
    const uint64_t end = std::min(before.value_or(size), size);
    const uint64_t start = end - std::min(end, kPiece);
    std::string text(static_cast<size_t>(end - start), '\0');
    const ssize_t got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(start));
    text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    std::string_view left(text);
    while (!left.empty() && changes.size() < limit) {
      left.remove_suffix(left.ends_with('\n') ? 1 : 0);
      const size_t newline = left.rfind('\n');
      // The first line of the piece may be half of one.
      if (newline == std::string_view::npos && start > 0) break;
      const size_t first = newline == std::string_view::npos ? 0 : newline + 1;
      auto change = ordered_json::parse(left.substr(first), nullptr, false);
      if (change.is_object()) changes.push_back(std::move(change));
      left = left.substr(0, first);
    }
    if (start + left.size() > 0 && start + left.size() < end) next = start + left.size();
  }
  return {{"changes", std::move(changes)}, {"next", std::move(next)}};
}

}  // namespace ringtrain::server
