// SPDX-License-Identifier: Apache-2.0
#include "storage/range_reader.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"

namespace ringtrain::storage {

std::string ByteRange::print() const { return fmt::format("bytes={}-{}", first, last); }

void RangeSource::check(const net::HttpResponse& response, const ByteRange& range) const {
  if (response.status == 200) {
    throw data_error(
        fmt::format("{}: the server answers with the whole file where a part is asked for: "
                    "download it, and name the file",
                    name()));
  }
  if (response.status != 206) throw refusal(response);
  if (const std::string now = net::header_of(response, "etag");
      !etag().empty() && !now.empty() && now != etag()) {
    throw data_error(fmt::format("{}: has changed since it was opened: start again", name()));
  }
  const std::string theirs = net::header_of(response, "content-range");
  if (theirs != fmt::format("bytes {}-{}/{}", range.first, range.last, size())) {
    throw data_error(fmt::format("{}: bytes {}-{} of {} were asked for, the server gives {}",
                                 name(), range.first, range.last, size(), theirs.substr(0, 100)));
  }
}

void RangeSource::read_at(void* data, size_t bytes, uint64_t offset) const {
  if (bytes == 0) return;
  if (offset > size() || bytes > size() - offset) {
    throw data_error(fmt::format("{}: has {} bytes, {} to {} were asked for", name(), size(),
                                 offset, offset + bytes));
  }
  size_t done = 0;
  const net::OnData take = [&](std::string_view part, uint64_t /*total*/) {
    if (part.size() > bytes - done) {
      throw data_error(fmt::format("{}: the server sends more than was asked for", name()));
    }
    std::memcpy(static_cast<char*>(data) + done, part.data(), part.size());
    done += part.size();
  };
  for (int without_progress = 0; done < bytes;) {
    const size_t before = done;
    const ByteRange range{offset + done, offset + bytes - 1};
    try {
      const net::HttpResponse response = fetch(range, take);
      if (response.status != 0) check(response, range);
    } catch (const net::HttpError& error) {
      if (error.failure() == net::HttpFailure::too_large) check({.status = 200}, range);
      throw data_error(fmt::format("{}: cannot be read: {}", name(), error.reason()));
    }
    without_progress = done > before ? 0 : without_progress + 1;
    if (without_progress >= attempts_) {
      throw data_error(fmt::format("{}: the connection breaks again and again at byte {}", name(),
                                   offset + done));
    }
  }
}

}  // namespace ringtrain::storage
