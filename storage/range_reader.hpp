// SPDX-License-Identifier: Apache-2.0
// Reading by ranges over HTTP, for S3 and for web servers.
#pragma once

#include <functional>
#include <string>

#include "net/http_client.hpp"
#include "storage/source.hpp"

namespace ringtrain::storage {

// Bytes of an object, from `first` to `last` inclusive.
struct ByteRange {
  uint64_t first = 0;
  uint64_t last = 0;
  std::string print() const;  // "bytes=0-99"
};

// A source whose server is asked for ranges of one version. A range whose connection breaks is
// resumed where it broke.
class RangeSource : public Source {
 public:
  void read_at(void* data, size_t size, uint64_t offset) const override;

 protected:
  RangeSource(std::string name, uint64_t size, std::string etag, int attempts)
      : Source(std::move(name), size, std::move(etag)), attempts_(attempts) {}

  // Asks for a range of the version etag(). Gives the bytes of a 206 to on_data; returns an answer
  // of status 0 where the connection broke after some. Throws net::HttpError where there is none.
  virtual net::HttpResponse fetch(const ByteRange& range, const net::OnData& on_data) const = 0;
  // Returns the error for an answer that is not 206.
  virtual Error refusal(const net::HttpResponse& response) const = 0;

 private:
  void check(const net::HttpResponse& response, const ByteRange& range) const;

  const int attempts_;
};

}  // namespace ringtrain::storage
