// SPDX-License-Identifier: Apache-2.0
#include "server/client/bucket_upload.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/url.hpp"
#include "storage/retry.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

net::HttpResponse ask_bucket(const net::HttpRequest& request) {
  net::HttpClient client;
  net::HttpResponse answer =
      storage::send_with_retries({}, [&] { return client.perform(request); });
  // S3 may say 200 and then find out that it cannot finish an upload.
  if (net::is_success(answer) && answer.body.find("<Error>") == std::string::npos) return answer;
  throw io_error(fmt::format("{}: the bucket answered {}: {}", printable_url(request.url),
                             answer.status, answer.body.substr(0, 300)));
}

ordered_json ask_json(RemoteServer& server, const char* path, const ordered_json& body) {
  return server.ask(
      {.method = "POST", .path = path, .body = body.dump(), .type = "application/json"});
}

std::string between(const std::string& text, std::string_view before, std::string_view after) {
  const size_t start = text.find(before);
  const size_t end = start == std::string::npos ? start : text.find(after, start);
  if (end == std::string::npos) {
    throw io_error("the bucket's answer has no UploadId: " + text.substr(0, 300));
  }
  return text.substr(start + before.size(), end - start - before.size());
}

// Returns the body that completes the upload: the parts with their ETags.
std::string send_parts(const File& file, const ordered_json& parts) {
  std::string done = "<CompleteMultipartUpload>";
  uint64_t offset = 0;
  for (const ordered_json& part : parts) {
    net::HttpRequest request;
    request.method = "PUT";
    request.url = part.at("url").get<std::string>();
    request.body.resize(part.at("bytes").get<uint64_t>());
    file.read_at(request.body.data(), request.body.size(), offset);
    offset += request.body.size();
    const net::HttpResponse answer = ask_bucket(request);
    done += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>",
                        part.at("number").get<int>(), net::header_of(answer, "etag"));
  }
  return done + "</CompleteMultipartUpload>";
}

}  // namespace

std::string send_to_bucket(RemoteServer& server, const std::filesystem::path& path) {
  const File file = File::open_for_reading(path);
  const ordered_json begun = ask_json(server, "/api/v1/bucket-uploads",
                                      {{"file", path.filename().string()}, {"bytes", file.size()}});
  const std::string url = begun.at("url").get<std::string>();
  net::HttpRequest request;
  request.method = "POST";
  request.url = begun.at("begin").get<std::string>();
  const std::string id = between(ask_bucket(request).body, "<UploadId>", "</UploadId>");
  const ordered_json signed_urls =
      ask_json(server, "/api/v1/bucket-uploads/parts",
               {{"url", url}, {"upload_id", id}, {"bytes", file.size()}});
  try {
    request.body = send_parts(file, signed_urls.at("parts"));
    request.url = signed_urls.at("finish").get<std::string>();
    ask_bucket(request);
  } catch (const std::exception&) {
    request = {};
    request.method = "DELETE";
    request.url = signed_urls.at("abort").get<std::string>();
    try {
      net::HttpClient().perform(request);
    } catch (const Error&) {  // the bucket's own rules remove what was never completed
    }
    throw;
  }
  return url;
}

}  // namespace ringtrain::server
