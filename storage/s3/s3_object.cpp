// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_object.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/error.hpp"
#include "storage/range_reader.hpp"
#include "storage/s3/xml_text.hpp"

namespace ringtrain::storage {
namespace {

class S3Source : public RangeSource {
 public:
  S3Source(S3Client& client, S3Url object, uint64_t size, std::string etag)
      : RangeSource(object.print(), size, std::move(etag), client.retries().attempts),
        client_(client),
        object_(std::move(object)) {}

 private:
  S3Request request(const ByteRange& range) const {
    S3Request request{.object = object_, .headers = {{"range", range.print()}}};
    if (!etag().empty()) request.headers.emplace_back("if-match", etag());
    request.data_status = 206;
    return request;
  }
  net::HttpResponse fetch(const ByteRange& range, const net::OnData& on_data) const override {
    return client_.send(request(range), on_data);
  }
  Error refusal(const net::HttpResponse& response) const override {
    return client_.refusal({.object = object_}, response);
  }

  S3Client& client_;
  const S3Url object_;
};

uint64_t number_in(const std::string& text, const std::string& name) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw data_error(fmt::format("{}: the server gives no size of it", name));
  }
  return number;
}

void check_key(const S3Url& object) {
  if (object.key.empty()) {
    throw job_error(fmt::format("{}: names a bucket, not an object in it", object.print()));
  }
}

[[noreturn]] void cannot_reach(const S3Url& object, const net::HttpError& error) {
  throw data_error(
      fmt::format("{}: {}: is AWS_ENDPOINT_URL right?", object.print(), error.reason()));
}

}  // namespace

std::unique_ptr<Source> find_s3(S3Client& client, const S3Url& object) {
  check_key(object);
  const S3Request request{.method = "HEAD", .object = object};
  try {
    const net::HttpResponse response = client.send(request);
    if (response.status == 404) return nullptr;
    if (!net::is_success(response)) throw client.refusal(request, response);
    const uint64_t size = number_in(net::header_of(response, "content-length"), object.print());
    return std::make_unique<S3Source>(client, object, size, net::header_of(response, "etag"));
  } catch (const net::HttpError& error) {
    cannot_reach(object, error);
  }
}

std::unique_ptr<Source> open_s3(S3Client& client, const S3Url& object) {
  auto source = find_s3(client, object);
  if (source == nullptr) {
    throw data_error(fmt::format("{}: there is no such object", object.print()));
  }
  return source;
}

std::vector<ListedObject> list_s3(S3Client& client, const S3Url& prefix) {
  constexpr size_t kMost = 1'000'000;
  std::vector<ListedObject> objects;
  std::string next;
  do {
    S3Request request{.object = {prefix.bucket, ""}, .query = {{"list-type", "2"}}};
    request.query.emplace_back("prefix", prefix.key);
    if (!next.empty()) request.query.emplace_back("continuation-token", next);
    net::HttpResponse response;
    try {
      response = client.perform(request);
    } catch (const net::HttpError& error) {
      cannot_reach(prefix, error);
    }
    for (const std::string_view entry : xml_elements(response.body, "Contents")) {
      const std::string key = xml_text(entry, "Key");
      objects.push_back({key, number_in(xml_text(entry, "Size"), "s3://" + prefix.bucket)});
    }
    if (objects.size() > kMost) {
      throw data_error(
          fmt::format("{}: more than {} objects begin with this", prefix.print(), kMost));
    }
    next = xml_text(response.body, "NextContinuationToken");
  } while (!next.empty());
  return objects;
}

void remove_s3(S3Client& client, const S3Url& object) {
  check_key(object);
  try {
    client.perform({.method = "DELETE", .object = object});
  } catch (const net::HttpError& error) {
    cannot_reach(object, error);
  }
}

}  // namespace ringtrain::storage
