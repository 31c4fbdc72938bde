// SPDX-License-Identifier: Apache-2.0
// An upload by tus: Upload-Metadata in the first line, Upload-Checksum in the second, then requests
// on one upload, each of a byte that says what it is and how many of the bytes after it it sends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/temporary_folder.hpp"
#include "base/terminal/utf8.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"

namespace {

using namespace ringtrain;
using namespace ringtrain::server;

void require(bool is_true) {
  if (!is_true) std::abort();
}

std::string_view next_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

std::string name_in(std::string_view header) {
  std::string name;
  try {
    name = safe_file_name(parse_upload_metadata(header)["filename"]);
  } catch (const Problem& problem) {
    require(problem.status() == 400);
    name = safe_file_name(header);
  }
  require(!name.empty() && name.size() <= 200 && name[0] != '.' && name[0] != '-');
  require(name.find_first_of(std::string("/\\\n\0", 4)) == std::string::npos && is_utf8_text(name));
  return name;
}

std::optional<Checksum> checksum_in(std::string_view header) {
  try {
    return Checksum(header);
  } catch (const Problem& problem) {
    require(problem.status() == 400);
    return std::nullopt;
  }
}

// One upload, and what it must hold.
class Requests {
 public:
  Requests(Uploads& uploads, const std::string& name, uint64_t length)
      : uploads_(uploads), id_(uploads.create({.name = name, .length = length}).id) {}
  ~Requests() { uploads_.remove(id_); }
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  void send(unsigned kind, std::string_view bytes, std::optional<Checksum> checksum) {
    const bool is_early = kind == 3;
    try {
      const auto writer = uploads_.open(id_, expected_.size() + (is_early ? 1 : 0));
      require(!is_early);
      const bool has_checksum = checksum.has_value();
      if (checksum) writer->expect(std::move(*checksum));
      writer->take(bytes);
      if (!has_checksum) expected_ += bytes;
      if (kind == 1) return;  // the connection breaks
      writer->finish();
      if (has_checksum) expected_ += bytes;
    } catch (const Problem& problem) {
      const int status = problem.status();
      require(status == 413 || status == (is_early ? 409 : 460));
    }
  }

  void check() const {
    const Upload upload = uploads_.get(id_);
    require(upload.offset == expected_.size() && upload.offset <= upload.record.length);
    require(read_file(uploads_.data(id_)) == expected_);
  }

 private:
  Uploads& uploads_;
  const std::string id_;
  std::string expected_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TemporaryFolder folder("/dev/shm", "ringtrain-fuzz.");
  static Uploads uploads(folder.path() / "uploads");
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string name = name_in(next_line(rest));
  const std::string_view checksum = next_line(rest);
  Requests requests(uploads, name, rest.size() / 2);
  while (!rest.empty()) {
    const auto what = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    const std::string_view bytes = rest.substr(0, what / 4);
    const bool has_checksum = what % 4 == 2;
    requests.send(what % 4, bytes, has_checksum ? checksum_in(checksum) : std::nullopt);
    requests.check();
    rest.remove_prefix(bytes.size());
  }
  return 0;
}
