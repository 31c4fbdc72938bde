// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/error.hpp"
#include "storage/parts.hpp"
#include "storage/s3/s3_object.hpp"
#include "storage/s3/xml_text.hpp"

namespace ringtrain::storage {
namespace {

constexpr uint64_t kMostParts = 10'000;

// An upload in parts. Without complete() the destructor has the server forget the parts.
class PartedUpload {
 public:
  PartedUpload(S3Client& client, const S3Url& object) : client_(client), object_(object) {
    const auto response =
        client_.perform({.method = "POST", .object = object_, .query = {{"uploads", ""}}});
    id_ = xml_text(response.body, "UploadId");
    if (id_.empty()) {
      throw data_error(fmt::format("{}: the server begins no upload in parts", object_.print()));
    }
  }
  PartedUpload(const PartedUpload&) = delete;
  PartedUpload& operator=(const PartedUpload&) = delete;
  ~PartedUpload() {
    if (completed_) return;
    try {
      client_.send({.method = "DELETE", .object = object_, .query = {{"uploadId", id_}}});
    } catch (const std::exception&) {
      // The bucket's own rule for unfinished uploads removes them.
    }
  }

  // Sends a part and returns its ETag.
  std::string send(uint64_t number, std::string bytes) {
    const S3Request request{.method = "PUT",
                            .object = object_,
                            .query = {{"partNumber", std::to_string(number)}, {"uploadId", id_}},
                            .body = std::move(bytes)};
    return net::header_of(client_.perform(request), "etag");
  }

  void complete(const std::vector<std::string>& etags, uint64_t size) {
    std::string body = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < etags.size(); ++i) {
      body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1,
                          xml_escaped(etags[i]));
    }
    body += "</CompleteMultipartUpload>";
    const S3Request request{
        .method = "POST", .object = object_, .query = {{"uploadId", id_}}, .body = body};
    const net::HttpResponse response = client_.send(request);
    // A success may hold an error: the server began its answer before it was done.
    if (!net::is_success(response) || response.body.find("<Error>") != std::string::npos) {
      if (!is_complete(response, etags.size(), size)) throw client_.refusal(request, response);
    }
    completed_ = true;
  }

 private:
  // A repeated request finds no upload where the first one completed it and its answer was lost.
  bool is_complete(const net::HttpResponse& response, size_t parts, uint64_t size) {
    if (xml_text(response.body, "Code") != "NoSuchUpload") return false;
    const auto made = find_s3(client_, object_);
    return made != nullptr && made->size() == size &&
           made->etag().find(fmt::format("-{}", parts)) != std::string::npos;
  }

  S3Client& client_;
  const S3Url object_;
  std::string id_;
  bool completed_ = false;
};

void put(S3Client& client, const S3Url& to, std::string bytes) {
  client.perform({.method = "PUT", .object = to, .body = std::move(bytes)});
}

void upload_parts(S3Client& client, const Source& from, const S3Url& to,
                  const UploadOptions& options, const UploadProgress& progress) {
  const uint64_t size = from.size();
  const uint64_t part_bytes = std::max(options.part_bytes, (size + kMostParts - 1) / kMostParts);
  const uint64_t parts = (size + part_bytes - 1) / part_bytes;
  PartedUpload upload(client, to);
  std::vector<std::string> etags(parts);
  std::mutex mutex;
  uint64_t done = 0;
  for_each_part(parts, options.in_flight, [&](uint64_t part) {
    const uint64_t offset = part * part_bytes;
    std::string bytes(std::min(part_bytes, size - offset), '\0');
    from.read_at(bytes.data(), bytes.size(), offset);
    const uint64_t count = bytes.size();
    etags[part] = upload.send(part + 1, std::move(bytes));
    const std::lock_guard lock(mutex);
    done += count;
    if (progress) progress(done, size);
  });
  upload.complete(etags, size);
}

}  // namespace

void upload_s3(S3Client& client, const Source& from, const S3Url& to, const UploadOptions& options,
               const UploadProgress& progress) {
  try {
    if (from.size() > options.part_bytes) {
      return upload_parts(client, from, to, options, progress);
    }
    std::string bytes(from.size(), '\0');
    from.read_at(bytes.data(), bytes.size(), 0);
    put(client, to, std::move(bytes));
    if (progress) progress(from.size(), from.size());
  } catch (const net::HttpError& error) {
    throw data_error(fmt::format("{}: cannot be written: {}", to.print(), error.reason()));
  }
}

void write_s3(S3Client& client, std::string_view bytes, const S3Url& to) {
  try {
    put(client, to, std::string(bytes));
  } catch (const net::HttpError& error) {
    throw data_error(fmt::format("{}: cannot be written: {}", to.print(), error.reason()));
  }
}

}  // namespace ringtrain::storage
