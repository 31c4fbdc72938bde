// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/storage/fake_s3.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/text.hpp"
#include "base/url.hpp"
#include "storage/s3/xml_text.hpp"

namespace ringtrain::storage {
namespace {

using net::ReceivedRequest;
using net::Reply;

Reply refuse(int status, const std::string& code) {
  return {status, {fmt::format("<Error><Code>{}</Code><Message>It is.</Message></Error>", code)}};
}

std::string parameter(const std::string& query, const std::string& name) {
  const std::string wanted = "&" + name + "=";
  const std::string all = "&" + query + "&";
  const size_t at = all.find(wanted);
  if (at == std::string::npos) return "";
  const size_t from = at + wanted.size();
  return percent_decoded(all.substr(from, all.find('&', from) - from));
}

}  // namespace

std::string header_in(const ReceivedRequest& request, const std::string& name) {
  std::string lower = request.headers;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const size_t at = lower.find("\n" + name + ":");
  if (at == std::string::npos) return "";
  const size_t from = at + name.size() + 2;
  return std::string(
      trimmed(request.headers.substr(from, request.headers.find('\n', from) - from)));
}

FakeS3::FakeS3(Fault fault)
    : fault_(std::move(fault)),
      server_([this](const ReceivedRequest& request) { return answer(request); }) {}

std::map<std::string, std::string> FakeS3::objects() {
  const std::lock_guard lock(mutex_);
  return objects_;
}

void FakeS3::put(const std::string& path, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  objects_[path] = bytes;
  version_[path] = ++versions_;
}

std::vector<std::string> FakeS3::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t FakeS3::open_uploads() {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}

S3Settings FakeS3::settings() const {
  S3Settings settings;
  settings.endpoint = url();
  settings.path_style = true;
  settings.keys = AwsKeys{"id", "secret", ""};
  settings.keys_from = "AWS_ACCESS_KEY_ID";
  return settings;
}

Reply FakeS3::answer(const ReceivedRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request.method + " " + request.target);
  if (fault_) {
    if (auto reply = fault_(request)) return *reply;
  }
  const size_t mark = std::min(request.target.find('?'), request.target.size());
  const std::string path = request.target.substr(0, mark);
  const std::string query = request.target.substr(std::min(mark + 1, request.target.size()));
  if (request.method == "PUT") return put_object(request, path, query);
  if (request.method == "POST") return post(request, path, query);
  if (request.method == "DELETE") {
    uploads_.erase(parameter(query, "uploadId"));
    if (query.empty()) objects_.erase(path);
    return {204, {}};
  }
  if (query.find("list-type=") != std::string::npos) return list(path, query);
  return get(request, path);
}

Reply FakeS3::get(const ReceivedRequest& request, const std::string& path) {
  const auto found = objects_.find(path);
  if (found == objects_.end()) return refuse(404, "NoSuchKey");
  const std::string& bytes = found->second;
  const std::string etag = fmt::format("\"v{}\"", version_[path]);
  const std::string expected = header_in(request, "if-match");
  if (!expected.empty() && expected != etag) return refuse(412, "PreconditionFailed");
  const std::string head = fmt::format("Connection: close\r\nETag: {}\r\n", etag);
  if (request.method == "HEAD") {
    return {200, {}, "x", fmt::format("{}Content-Length: {}", head, bytes.size())};
  }
  const std::string range = header_in(request, "range");
  const size_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
  const size_t last = std::strtoull(range.c_str() + range.find('-') + 1, nullptr, 10);
  return {206,
          {bytes.substr(first, last - first + 1)},
          "x",
          fmt::format("{}Content-Length: {}\r\nContent-Range: bytes {}-{}/{}", head,
                      last - first + 1, first, last, bytes.size())};
}

// Two keys a page.
Reply FakeS3::list(const std::string& bucket, const std::string& query) {
  const std::string start = bucket + percent_encoded(parameter(query, "prefix"), true);
  const std::string after = parameter(query, "continuation-token");
  std::string body = "<ListBucketResult>";
  int count = 0;
  for (const auto& [path, bytes] : objects_) {
    if (!path.starts_with(start) || path <= after) continue;
    body += fmt::format("<Contents><Key>{}</Key><Size>{}</Size></Contents>",
                        xml_escaped(percent_decoded(path.substr(bucket.size()))), bytes.size());
    if (++count < 2) continue;
    body += "<NextContinuationToken>" + path + "</NextContinuationToken>";
    break;
  }
  return {200, {body + "</ListBucketResult>"}};
}

Reply FakeS3::put_object(const ReceivedRequest& request, const std::string& path,
                         const std::string& query) {
  const std::string id = parameter(query, "uploadId");
  if (!id.empty()) {
    const int number = std::atoi(parameter(query, "partNumber").c_str());
    uploads_[id][number] = request.body;
    return {200, {}, "x", fmt::format("Connection: close\r\nETag: \"part{}\"", number)};
  }
  objects_[path] = request.body;
  version_[path] = ++versions_;
  return {200, {}};
}

Reply FakeS3::post(const ReceivedRequest& request, const std::string& path,
                   const std::string& query) {
  if (query == "uploads=") {
    const std::string id = fmt::format("upload/{}", ++versions_);
    uploads_[id];
    return {200, {"<R><UploadId>" + id + "</UploadId></R>"}};
  }
  const std::string id = parameter(query, "uploadId");
  if (!uploads_.contains(id)) return refuse(404, "NoSuchUpload");
  std::string bytes;
  for (const std::string_view part : xml_elements(request.body, "Part")) {
    const int number = std::atoi(xml_text(part, "PartNumber").c_str());
    if (xml_text(part, "ETag") != fmt::format("\"part{}\"", number)) {
      return refuse(400, "InvalidPart");
    }
    bytes += uploads_[id][number];
  }
  uploads_.erase(id);
  objects_[path] = bytes;
  version_[path] = ++versions_;
  return {200, {"<CompleteMultipartUploadResult/>"}};
}

}  // namespace ringtrain::storage
