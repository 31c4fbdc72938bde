// SPDX-License-Identifier: Apache-2.0
// Uploads: tus 1.0.0 for what may be cut off and continued, PUT for `curl -T`.
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "server/data/data_routes.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr const char* kVersion = "1.0.0";
constexpr const char* kExtensions = "checksum,creation,expiration,termination";
constexpr const char* kChunkType = "application/offset+octet-stream";

const std::string kAll = "/api/v1/uploads";
const std::string kOne = "/api/v1/uploads/{id}";

std::string path_of(const Upload& upload) { return kAll + "/" + upload.id; }

ordered_json shown(const Upload& upload) {
  return {{"id", upload.id},
          {"file", upload.record.name},
          {"bytes", upload.record.length},
          {"offset", upload.offset},
          {"complete", upload.is_whole()},
          {"created", upload.record.created},
          {"by", upload.record.by},
          {"expires", print_time(upload.expires)}};
}

// "Wed, 25 Jun 2014 16:00:00 GMT", as RFC 9110 has it.
std::string http_date(Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                     parts.tm_sec);
}

net::Answer tus_answer(int status) {
  return {.status = status, .headers = {{"Tus-Resumable", kVersion}}};
}

net::Answer upload_answer(const Upload& upload, int status) {
  net::Answer answer = json_answer(shown(upload), status);
  answer.headers.emplace_back("Tus-Resumable", kVersion);
  answer.headers.emplace_back("Upload-Offset", std::to_string(upload.offset));
  answer.headers.emplace_back("Upload-Length", std::to_string(upload.record.length));
  answer.headers.emplace_back("Upload-Expires", http_date(upload.expires));
  return answer;
}

void check_version(const Call& call) {
  if (call.request.header("tus-resumable") == kVersion) return;
  throw Problem(412,
                "Tus-Resumable: must be 1.0.0; for a file in one request use PUT, as 'curl -T "
                "FILE URL/api/v1/files/' does",
                {{"version", kVersion}});
}

uint64_t number_in(const Call& call, const char* header, const char* lower_case) {
  const std::string_view text = call.request.header(lower_case);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
      value > uint64_t{1} << 62) {
    throw Problem(400, fmt::format("{}: must be a whole number of bytes", header));
  }
  return value;
}

net::Answer options(const Uploads& uploads) {
  net::Answer answer = tus_answer(204);
  answer.headers.emplace_back("Tus-Version", kVersion);
  answer.headers.emplace_back("Tus-Extension", kExtensions);
  answer.headers.emplace_back("Tus-Checksum-Algorithm", kChecksumAlgorithms);
  answer.headers.emplace_back("Tus-Max-Size", std::to_string(uploads.most_bytes()));
  return answer;
}

net::Answer create(Uploads& uploads, const Call& call) {
  check_version(call);
  if (!call.request.header("upload-defer-length").empty()) {
    throw Problem(400, "Upload-Defer-Length: is not known here: give Upload-Length");
  }
  const uint64_t length = number_in(call, "Upload-Length", "upload-length");
  auto metadata = parse_upload_metadata(call.request.header("upload-metadata"));
  const Upload made = uploads.create(
      {.name = safe_file_name(metadata["filename"]), .length = length, .by = call.caller.name});
  net::Answer answer = upload_answer(made, 201);
  answer.headers.emplace_back("Location", path_of(made));
  return answer;
}

net::BodyReceiver patch(Uploads& uploads, const Call& call) {
  check_version(call);
  if (call.request.header("content-type") != kChunkType) {
    throw Problem(415, fmt::format("Content-Type: must be {}", kChunkType));
  }
  const std::string id = call.path.at("id");
  const uint64_t offset = number_in(call, "Upload-Offset", "upload-offset");
  const Upload upload = uploads.get(id);
  if (!call.request.header("content-length").empty()) {
    const uint64_t more = number_in(call, "Content-Length", "content-length");
    if (offset == upload.offset && more > upload.record.length - offset) {
      throw Problem(413, fmt::format("the upload has {} bytes, of which {} are missing",
                                     upload.record.length, upload.record.length - offset));
    }
  }
  std::optional<Checksum> checksum;
  if (!call.request.header("upload-checksum").empty()) {
    checksum.emplace(call.request.header("upload-checksum"));
  }
  const std::shared_ptr<UploadWriter> writer = uploads.open(id, offset);
  if (checksum) writer->expect(std::move(*checksum));
  return {.take =
              [writer](std::string_view bytes) {
                writer->take(bytes);
                return true;
              },
          .finish =
              [writer, &uploads, id] {
                const uint64_t at = writer->finish();
                net::Answer answer = tus_answer(204);
                answer.headers.emplace_back("Upload-Offset", std::to_string(at));
                answer.headers.emplace_back("Upload-Expires", http_date(uploads.get(id).expires));
                return answer;
              }};
}

net::BodyReceiver put(Uploads& uploads, const Call& call) {
  const std::string_view type = call.request.header("content-type");
  if (type.starts_with("multipart/") || type.starts_with("application/x-www-form-urlencoded")) {
    throw Problem(415,
                  "Content-Type: must be that of the file, not of a form: 'curl -T FILE' sends "
                  "it as it is");
  }
  const UploadRecord record{.name = safe_file_name(call.path.at("file")), .by = call.caller.name};
  std::optional<uint64_t> length;
  if (!call.request.header("content-length").empty()) {
    length = number_in(call, "Content-Length", "content-length");
  }
  const std::shared_ptr<UploadWriter> writer = uploads.open_whole(record, length);
  return {.take =
              [writer](std::string_view bytes) {
                writer->take(bytes);
                return true;
              },
          .finish =
              [writer, &uploads, record] {
                const Upload made = uploads.finish_whole(*writer, record);
                net::Answer answer = json_answer(shown(made), 201);
                answer.headers.emplace_back("Location", path_of(made));
                return answer;
              }};
}

net::Answer list(Uploads& uploads) {
  ordered_json all = ordered_json::array();
  for (const Upload& upload : uploads.list()) all.push_back(shown(upload));
  return json_answer({{"uploads", all}});
}

net::Answer remove(Uploads& uploads, const Call& call) {
  const Upload upload = uploads.get(call.path.at("id"));
  uploads.remove(upload.id);
  return tus_answer(204);
}

}  // namespace

void add_upload_routes(Routes& routes, Uploads& uploads) {
  routes.push_back({.method = "OPTIONS",
                    .path = kAll,
                    .operation = "getUploadOptions",
                    .summary = "Say what the server knows of tus 1.0.0, and the most bytes that it "
                               "has room for",
                    .success = 204,
                    .run = [&uploads](const Call&) { return options(uploads); }});
  routes.push_back({.method = "POST",
                    .path = kAll,
                    .operation = "createUpload",
                    .summary =
                        "Begin an upload by tus 1.0.0: Upload-Length, and the file's name in "
                        "Upload-Metadata; Location is where its bytes go",
                    .access = Access::submit,
                    .answer = "The upload",
                    .success = 201,
                    .run = [&uploads](const Call& call) { return create(uploads, call); }});
  routes.push_back({.method = "GET",
                    .path = kAll,
                    .operation = "listUploads",
                    .summary = "List uploads, the newest first",
                    .answer = "uploads",
                    .run = [&uploads](const Call&) { return list(uploads); }});
  routes.push_back({.method = "GET",
                    .path = kOne,
                    .operation = "getUpload",
                    .summary = "Show an upload; HEAD has Upload-Offset, where it continues",
                    .answer = "The upload",
                    .run = [&uploads](const Call& call) {
                      return upload_answer(uploads.get(call.path.at("id")), 200);
                    }});
  routes.push_back({.method = "PATCH",
                    .path = kOne,
                    .operation = "continueUpload",
                    .summary = "Send bytes from Upload-Offset on; what has arrived before a cut "
                               "stays for a day",
                    .access = Access::submit,
                    .body = kChunkType,
                    .success = 204,
                    .receive = [&uploads](const Call& call) { return patch(uploads, call); }});
  routes.push_back({.method = "PUT",
                    .path = "/api/v1/files/{file}",
                    .operation = "putUpload",
                    .summary = "Send a file in one request, as 'curl -T FILE .../files/' does; cut "
                               "off, nothing of it stays",
                    .access = Access::submit,
                    .body = "application/octet-stream",
                    .answer = "The upload",
                    .success = 201,
                    .receive = [&uploads](const Call& call) { return put(uploads, call); }});
  routes.push_back({.method = "DELETE",
                    .path = kOne,
                    .operation = "deleteUpload",
                    .summary = "Delete an upload",
                    .access = Access::submit,
                    .success = 204,
                    .run = [&uploads](const Call& call) { return remove(uploads, call); }});
}

}  // namespace ringtrain::server
