// SPDX-License-Identifier: Apache-2.0
#include "server/uploads/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/terminal/utf8.hpp"
#include "base/text.hpp"
#include "job/fields.hpp"
#include "net/base64.hpp"
#include "server/now_text.hpp"
#include "server/problem.hpp"
#include "server/server_folder.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const UploadRecord*) {
  using T = UploadRecord;
  return std::tuple(field("name", &T::name), field("length", &T::length),
                    field("created", &T::created), field("by", &T::by));
}

namespace {

constexpr size_t kMaxName = 200;  // bytes
constexpr char kHexadecimal[] = "0123456789abcdef";

bool is_id(const std::string& id) {
  return id.size() == 32 && id.find_first_not_of(kHexadecimal) == std::string::npos;
}

Time changed_at(const struct stat& about) {
  return Time(
      std::chrono::duration_cast<Time::duration>(std::chrono::seconds(about.st_mtim.tv_sec) +
                                                 std::chrono::nanoseconds(about.st_mtim.tv_nsec)));
}

void write_meta(const fs::path& folder, const UploadRecord& record) {
  write_file(folder / "meta.json", ordered_json(record).dump() + "\n");
}

FileDescriptor open_data(const fs::path& file) {
  return FileDescriptor(
      checked(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), "open"));
}

}  // namespace

std::string random_id() {
  std::array<unsigned char, 16> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
    throw io_error("the kernel has no random bits");
  }
  std::string id;
  for (const unsigned char byte : bits) {
    id += kHexadecimal[byte >> 4];
    id += kHexadecimal[byte & 15];
  }
  return id;
}

std::string safe_file_name(std::string_view name) {
  name = name.substr(name.find_last_of("/\\") + 1);
  std::string safe;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    safe += byte < 0x20 || byte == 0x7f ? '_' : c;
  }
  // Its end says what it holds, as .csv.gz.
  if (safe.size() > kMaxName) safe = safe.substr(safe.size() - kMaxName);
  const size_t first = safe.find_first_not_of(".- ");
  safe = first == std::string::npos ? "" : safe.substr(first);
  return safe.empty() || !is_utf8_text(safe) ? "file" : safe;
}

std::map<std::string, std::string> parse_upload_metadata(std::string_view header) {
  std::map<std::string, std::string> values;
  while (!header.empty()) {
    const std::string_view pair = trimmed(header.substr(0, header.find(',')));
    header = header.find(',') == std::string_view::npos ? std::string_view()
                                                        : header.substr(header.find(',') + 1);
    const size_t space = pair.find(' ');
    const std::string key(pair.substr(0, space));
    const auto value = net::decode_base64(
        space == std::string_view::npos ? "" : std::string(pair.substr(space + 1)));
    if (key.empty() || !value) {
      throw Problem(400, "Upload-Metadata: must be keys, each with its value in base64");
    }
    values[key] = *value;
  }
  return values;
}

Uploads::Uploads(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms::owner_all);
  std::error_code error;
  std::vector<fs::path> halves;  // of requests that an earlier server did not see the end of
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().starts_with(".new.")) halves.push_back(entry.path());
  }
  for (const fs::path& half : halves) fs::remove_all(half, error);
  forget_old();
}

uint64_t Uploads::most_bytes() const {
  std::error_code error;
  const auto space = fs::space(folder_, error);
  uint64_t taken = kLeastFreeBytes;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto upload = find(entry.path().filename().string());
    if (upload) taken += upload->record.length - upload->offset;
  }
  return space.available > taken ? space.available - taken : 0;
}

void Uploads::check_room(uint64_t bytes) const {
  const uint64_t most = most_bytes();
  if (bytes <= most) return;
  throw Problem(507, fmt::format("the server's disk has room for {}, not for {}: delete datasets "
                                 "or uploads that nobody needs",
                                 print_size(most), print_size(bytes)));
}

std::optional<Upload> Uploads::find(const std::string& id) const {
  if (!is_id(id)) return std::nullopt;
  struct stat about {};
  if (::lstat(data(id).c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  Upload upload{.id = id};
  try {
    upload.record = ordered_json::parse(read_file(folder_ / id / "meta.json")).get<UploadRecord>();
  } catch (const std::exception&) {
    return std::nullopt;
  }
  upload.offset = std::min(static_cast<uint64_t>(about.st_size), upload.record.length);
  upload.expires = changed_at(about) + kLifetime;
  return upload;
}

Upload Uploads::create(UploadRecord record) {
  check_room(record.length);
  record.created = now_text();
  const std::string id = random_id();
  const fs::path made = folder_ / (".new." + id);
  fs::create_directory(made);
  open_data(made / "data");
  write_meta(made, record);
  sync_directory(made);
  fs::rename(made, folder_ / id);
  sync_directory(folder_);
  return get(id);
}

Upload Uploads::get(const std::string& id) {
  const auto upload = find(id);
  if (!upload) throw Problem(404, "there is no such upload: GET /api/v1/uploads lists all");
  if (upload->expires < std::chrono::system_clock::now()) {
    remove(id);
    throw Problem(410, "the upload is over: nobody has continued it for a day; begin a new one");
  }
  return *upload;
}

std::vector<Upload> Uploads::list() {
  std::vector<Upload> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (auto upload = find(entry.path().filename().string())) all.push_back(std::move(*upload));
  }
  std::sort(all.begin(), all.end(), [](const Upload& one, const Upload& two) {
    return std::pair(two.record.created, one.id) < std::pair(one.record.created, two.id);
  });
  return all;
}

std::shared_ptr<UploadWriter> Uploads::open(const std::string& id, uint64_t offset) {
  const Upload upload = get(id);
  if (offset != upload.offset) {
    throw Problem(409,
                  fmt::format("Upload-Offset: the upload continues at byte {}, not at {}",
                              upload.offset, offset),
                  {{"offset", upload.offset}});
  }
  auto writer =
      std::make_shared<UploadWriter>(*this, id, open_data(data(id)), offset, upload.record.length);
  writer->turn_ = ++turns_[id];
  return writer;
}

std::shared_ptr<UploadWriter> Uploads::open_whole(const UploadRecord& record,
                                                  std::optional<uint64_t> length) {
  check_room(std::max<uint64_t>(length.value_or(0), record.length));
  const std::string id = ".new." + random_id();
  fs::create_directory(folder_ / id);
  auto writer = std::make_shared<UploadWriter>(*this, id, open_data(data(id)), 0,
                                               length.value_or(most_bytes()));
  writer->turn_ = ++turns_[id];
  return writer;
}

Upload Uploads::finish_whole(UploadWriter& writer, UploadRecord record) {
  record.length = writer.finish();
  record.created = now_text();
  const fs::path made = folder_ / writer.id_;
  checked(::fdatasync(writer.file_.get()), "fdatasync");
  write_meta(made, record);
  const std::string id = writer.id_.substr(std::string_view(".new.").size());
  fs::rename(made, folder_ / id);
  sync_directory(folder_);
  return get(id);
}

void Uploads::remove(const std::string& id) {
  std::error_code ignored;
  turns_[id] += 1;  // a writer of it stops
  if (is_id(id)) fs::remove_all(folder_ / id, ignored);
}

void Uploads::forget_old() {
  const auto now = std::chrono::system_clock::now();
  for (const Upload& upload : list()) {
    if (upload.expires < now) remove(upload.id);
  }
}

}  // namespace ringtrain::server
