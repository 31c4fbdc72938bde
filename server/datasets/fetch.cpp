// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/fetch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "net/http_streams.hpp"

namespace ringtrain::server {
namespace {

constexpr long kMaxRedirects = 5;
constexpr std::chrono::seconds kSilence(30);
constexpr std::chrono::milliseconds kStep(200);

// Returns "HOST:PORT" of an address; empty where it has a name and password, or is none.
std::string authority_of(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return "";
  const size_t end = url.find_first_of("/?#\\", start + 3);
  std::string authority = url.substr(start + 3, end == std::string::npos ? end : end - start - 3);
  if (authority.empty() || authority.find('@') != std::string::npos) return "";
  const bool has_port = authority.rfind(':') != std::string::npos &&
                        authority.find(']', authority.rfind(':')) == std::string::npos;
  if (!has_port) authority += url.starts_with("https:") ? ":443" : ":80";
  return authority;
}

}  // namespace

std::string refusal_of_url(const std::string& url, const std::set<std::string>& allowed) {
  for (const char c : url) {
    if (c <= ' ' || c == '\x7f') return "must be an address without spaces and control characters";
  }
  const std::string authority = authority_of(url);
  const bool is_http = url.starts_with("http://");
  if (authority.empty() || (!is_http && !url.starts_with("https://"))) {
    return "must be an address of https, without a user's name, as https://example.org/cats.zip";
  }
  if (is_http && !allowed.contains(authority)) {
    return fmt::format(
        "is plain http, which anybody on the way can change: use https, or the "
        "server's owner allows it with --allow-source {}",
        authority);
  }
  return "";
}

void fetch(const std::string& url, const std::filesystem::path& file, const FetchLimits& limits,
           BackgroundState& state) {
  const bool is_allowed = limits.allowed.contains(authority_of(url));
  net::HttpRequest request{.url = url,
                           .public_addresses_only = !is_allowed,
                           .max_redirects = is_allowed ? 0 : kMaxRedirects,
                           .silence_timeout = kSilence};
  // A query may let others in.
  const std::string shown = url.substr(0, url.find('?'));
  PendingFile pending(file);
  uint64_t done = 0;
  const auto take = [&](std::string_view bytes, uint64_t total) {
    if (std::max(done + bytes.size(), total) > limits.max_bytes) {
      throw data_error(fmt::format("{}: is larger than the {} for which the disk has room", shown,
                                   print_size(limits.max_bytes)));
    }
    pending.file().write_at(bytes.data(), bytes.size(), done);
    done += bytes.size();
    if (total > 0) state.progress = static_cast<double>(done) / static_cast<double>(total);
  };
  std::optional<net::StreamEnd> end;
  net::HttpStreams streams;
  const auto stream =
      streams.open(request, take, [&](const net::StreamEnd& found) { end = found; });
  while (!end && !state.cancelled) streams.wait(kStep);
  if (!end) return;
  if (end->error) {
    const bool is_private = end->error->failure() == net::HttpFailure::address_refused;
    throw data_error(fmt::format(
        "{}: cannot be downloaded: {}{}", shown, end->error->reason(),
        is_private ? ": the server's owner allows it with --allow-source HOST:PORT" : ""));
  }
  if (!net::is_success(end->response)) {
    throw data_error(fmt::format("{}: cannot be downloaded: the other server answers {}", shown,
                                 end->response.status));
  }
  pending.commit();
}

}  // namespace ringtrain::server
