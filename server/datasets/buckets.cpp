// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/buckets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"
#include "storage/s3/s3_client.hpp"
#include "storage/s3/s3_settings.hpp"
#include "storage/s3/s3_url.hpp"
#include "storage/storage.hpp"

namespace ringtrain::server {
namespace {

constexpr std::chrono::hours kValid{12};
constexpr uint64_t kLeastPart = uint64_t{8} << 20;
constexpr uint64_t kMostParts = 2000;               // S3 takes 10,000, of at most 5 GiB each
constexpr uint64_t kMostBytes = uint64_t{5} << 40;  // of an object of S3

bool is_s3(std::string_view url) { return url.starts_with("s3://"); }

// A server that keeps objects as files takes such a part of a key for another folder.
bool has_dots(std::string_view key) {
  while (!key.empty()) {
    const std::string_view part = key.substr(0, key.find('/'));
    if (part == "." || part == "..") return true;
    key.remove_prefix(std::min(part.size() + 1, key.size()));
  }
  return false;
}

}  // namespace

std::string bucket_of_option(const std::string& url) {
  if (!is_s3(url)) {
    throw job_error(fmt::format("--bucket {}: must be s3://BUCKET or s3://BUCKET/FOLDER", url));
  }
  storage::S3Url parsed = storage::parse_s3_url(url);
  while (parsed.key.ends_with('/')) parsed.key.pop_back();
  if (!parsed.key.empty()) parsed.key += '/';
  return parsed.print();
}

std::string refusal_of_bucket_url(const std::string& url, const std::vector<std::string>& buckets) {
  for (const char c : url) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
      return "must be an address without control characters";
    }
  }
  if (buckets.empty()) {
    return "lies in object storage, which this server's owner allows with --bucket s3://BUCKET";
  }
  try {
    if (!is_s3(url) || has_dots(storage::parse_s3_url(url).key)) {
      return "must be s3://BUCKET/KEY, without '.' and '..' between slashes";
    }
  } catch (const Error& wrong) {
    return wrong.what();
  }
  const bool inside = std::any_of(buckets.begin(), buckets.end(), [&](const std::string& one) {
    return url.starts_with(one) && url.size() > one.size();
  });
  if (inside) return "";
  return fmt::format(
      "lies outside of what this server may use: {}; its owner allows more with --bucket",
      fmt::join(buckets, ", "));
}

void fetch_object(const std::string& url, const std::filesystem::path& file, uint64_t max_bytes,
                  BackgroundState& state) {
  storage::Storage storage;
  const auto source = storage.open(url);
  if (source->size() > max_bytes) {
    throw data_error(fmt::format("{}: is larger than the {} for which the disk has room", url,
                                 print_size(max_bytes)));
  }
  try {
    storage.download(*source, file, [&](uint64_t done, uint64_t total) {
      if (state.cancelled) throw data_error("cancelled");
      state.progress =
          static_cast<double>(done) / static_cast<double>(std::max<uint64_t>(total, 1));
    });
  } catch (const Error&) {
    if (!state.cancelled) throw;
  }
}

struct BucketUploads::Signer {
  storage::S3Client client{storage::read_s3_settings()};
};

BucketUploads::BucketUploads(const std::vector<std::string>& buckets)
    : folder_(buckets.empty() ? "" : buckets.front() + "uploads/"),
      signer_(buckets.empty() ? nullptr : std::make_unique<Signer>()) {}

BucketUploads::~BucketUploads() = default;

void BucketUploads::check_bytes(uint64_t bytes) const {
  if (!signer_) {
    throw Problem(409,
                  "this server has no bucket: its owner gives it one with --bucket "
                  "s3://BUCKET; uploads to the server itself are POST /api/v1/uploads");
  }
  if (bytes == 0 || bytes > kMostBytes) {
    throw Problem(413, fmt::format("bytes: must be 1 to {}, the most of an object of S3",
                                   print_size(kMostBytes)));
  }
}

BucketUploads::Begun BucketUploads::begin(const std::string& file, uint64_t bytes) const {
  check_bytes(bytes);
  Begun begun{.url = folder_ + random_id() + "/" + safe_file_name(file)};
  begun.begin = signer_->client.presigned(
      {.method = "POST", .object = storage::parse_s3_url(begun.url), .query = {{"uploads", ""}}},
      kValid);
  if (begun.begin.empty()) {
    throw Problem(409,
                  "this server has no keys of its own for its bucket, and can sign no URLs: "
                  "its owner sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile");
  }
  return begun;
}

BucketUploads::Parts BucketUploads::parts(const std::string& url, const std::string& upload_id,
                                          uint64_t bytes) const {
  check_bytes(bytes);
  const std::string why = refusal_of_bucket_url(url, {folder_});
  if (!why.empty()) throw Problem(422, "url: must be the one that the upload began with");
  if (upload_id.empty() || upload_id.size() > 1024) {
    throw Problem(422, "upload_id: must be the UploadId of the answer of `begin`");
  }
  const storage::S3Url object = storage::parse_s3_url(url);
  const auto signed_url = [&](const char* method, storage::AwsPairs query) {
    query.emplace_back("uploadId", upload_id);
    return signer_->client.presigned(
        {.method = method, .object = object, .query = std::move(query)}, kValid);
  };
  Parts made{.finish = signed_url("POST", {}), .abort = signed_url("DELETE", {})};
  const uint64_t each = std::max(kLeastPart, (bytes + kMostParts - 1) / kMostParts);
  for (uint64_t at = 0; at < bytes; at += each) {
    const int number = static_cast<int>(at / each) + 1;
    made.parts.push_back({.number = number,
                          .bytes = std::min(each, bytes - at),
                          .url = signed_url("PUT", {{"partNumber", std::to_string(number)}})});
  }
  return made;
}

}  // namespace ringtrain::server
