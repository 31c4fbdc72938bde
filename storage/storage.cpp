// SPDX-License-Identifier: Apache-2.0
#include "storage/storage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/url.hpp"
#include "storage/parts.hpp"
#include "storage/s3/s3_settings.hpp"
#include "storage/web_file.hpp"

namespace ringtrain::storage {
namespace {

bool is_s3(const std::string& url) { return is_url(url) && (url[0] == 's' || url[0] == 'S'); }

}  // namespace

StorageOptions storage_options() {
  const std::string allowed = environment_variable("RINGTRAIN_URLS");
  if (!allowed.empty() && allowed != "public") {
    throw job_error(fmt::format("RINGTRAIN_URLS={}: must be public, or not set", allowed));
  }
  return {.public_addresses_only = !allowed.empty()};
}

Storage::Storage(StorageOptions options) : options_(options) {}
Storage::~Storage() = default;

// Settings are read when they are first needed: a program that reads files alone needs none.
S3Client& Storage::s3(const std::string& url) {
  if (!is_s3(url)) {
    throw job_error(fmt::format("{}: must be s3://BUCKET/KEY here", printable_url(url)));
  }
  const std::lock_guard lock(mutex_);
  if (!s3_) s3_ = std::make_unique<S3Client>(read_s3_settings(), options_.retries);
  return *s3_;
}

std::unique_ptr<Source> Storage::open(const std::string& url) {
  if (!is_url(url)) return open_file(without_file_scheme(url));
  if (is_s3(url)) return open_s3(s3(url), parse_s3_url(url));
  return open_web_file(url, {options_.public_addresses_only, options_.retries});
}

std::unique_ptr<Source> Storage::find(const std::string& url) {
  S3Client& client = s3(url);
  return find_s3(client, parse_s3_url(url));
}

void Storage::download(const Source& from, const std::filesystem::path& to,
                       const UploadProgress& progress) {
  PendingFile pending(to);
  const uint64_t size = from.size();
  const uint64_t part_bytes = options_.parts.part_bytes;
  std::mutex mutex;
  uint64_t done = 0;
  for_each_part((size + part_bytes - 1) / part_bytes, options_.parts.in_flight, [&](uint64_t part) {
    const uint64_t offset = part * part_bytes;
    std::string bytes(std::min(part_bytes, size - offset), '\0');
    from.read_at(bytes.data(), bytes.size(), offset);
    pending.file().write_at(bytes.data(), bytes.size(), offset);
    const std::lock_guard lock(mutex);
    done += bytes.size();
    if (progress) progress(done, size);
  });
  pending.commit();
}

void Storage::upload(const std::filesystem::path& from, const std::string& to,
                     const UploadProgress& progress) {
  S3Client& client = s3(to);
  upload_s3(client, *open_file(from), parse_s3_url(to), options_.parts, progress);
}

void Storage::write(std::string_view bytes, const std::string& to) {
  S3Client& client = s3(to);
  write_s3(client, bytes, parse_s3_url(to));
}

std::vector<std::string> Storage::list(const std::string& prefix) {
  const S3Url parsed = parse_s3_url(prefix);
  std::vector<std::string> urls;
  for (const ListedObject& object : list_s3(s3(prefix), parsed)) {
    urls.push_back(S3Url{parsed.bucket, object.key}.print());
  }
  return urls;
}

void Storage::remove(const std::string& url) { remove_s3(s3(url), parse_s3_url(url)); }

}  // namespace ringtrain::storage
