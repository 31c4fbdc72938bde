// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/time.hpp"
#include "server/api/job_routes.hpp"
#include "server/problem.hpp"
#include "server/served_file.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kMaxListed = 10000;
constexpr int64_t kMaxLogPiece = 1 << 20;

net::Answer download(Jobs& jobs, const Call& call) {
  const JobFolder folder = jobs.folder(call.path.at("name"));
  auto file = open_below(
      folder.path(), folder.is_managed() ? "output/" + call.path.at("path") : call.path.at("path"));
  if (!file) throw Problem(404, "the job's output has no such file: GET .../files lists all");
  return download_answer(std::move(*file), fs::path(call.path.at("path")).filename().string(),
                         call.request.header("range"));
}

net::Answer list_files(Jobs& jobs, const Call& call) {
  const fs::path output = jobs.folder(call.path.at("name")).output();
  ordered_json files = ordered_json::array();
  std::error_code error;
  if (fs::is_symlink(output, error)) return json_answer({{"files", files}});
  fs::recursive_directory_iterator entry(output, error);
  for (; !error && entry != fs::recursive_directory_iterator() && files.size() < kMaxListed;
       entry.increment(error)) {
    if (entry->is_symlink(error) || !entry->is_regular_file(error)) continue;
    const std::string path = entry->path().lexically_relative(output).string();
    if (path.starts_with('.')) continue;
    files.push_back({{"path", path}, {"bytes", entry->file_size(error)}});
    error.clear();
  }
  std::sort(files.begin(), files.end(),
            [](const auto& one, const auto& two) { return one["path"] < two["path"]; });
  return json_answer({{"files", files}});
}

// Shows control bytes, which would command a terminal, as what they are.
std::string shown(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n' && c != '\t') {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

// Whole lines of an attempt's log, with the offset from which the next ones continue: as text, or
// as JSON for clients that ask for it.
net::Answer log_answer(const Call& call, int attempt, int64_t next, const std::string& text) {
  if (call.request.header("accept").find("application/json") != std::string_view::npos) {
    return json_answer({{"attempt", attempt}, {"next", next}, {"text", shown(text)}});
  }
  return {.headers = {{"Content-Type", "text/plain; charset=utf-8"},
                      {"X-Attempt", std::to_string(attempt)},
                      {"X-Next-Offset", std::to_string(next)}},
          .body = shown(text)};
}

net::Answer logs(Jobs& jobs, const Call& call) {
  const JobFolder folder = jobs.folder(call.path.at("name"));
  const auto attempt =
      static_cast<int>(call.number("attempt", folder.last_attempt(), 0, 1000000000));
  const fs::path log = folder.attempt(attempt).lexically_relative(folder.path()) / "train.log";
  const auto file = open_below(folder.path(), log.lexically_normal().string());
  if (!file) return log_answer(call, attempt, 0, "");
  const auto size = static_cast<int64_t>(size_of(*file));
  const int64_t piece = call.number("limit", 65536, 1, kMaxLogPiece);
  const bool tail = call.query.contains("tail");
  const int64_t from = tail ? std::max<int64_t>(0, size - call.number("tail", 0, 0, kMaxLogPiece))
                            : std::min(size, call.number("from", 0, 0, INT64_MAX));
  std::string text(static_cast<size_t>(std::min(size - from, tail ? kMaxLogPiece : piece)), '\0');
  const ssize_t got = ::pread(file->get(), text.data(), text.size(), from);
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  const size_t end = text.rfind('\n');
  const bool is_long = end == std::string::npos && static_cast<int64_t>(text.size()) == piece;
  if (!is_long) text.resize(end == std::string::npos ? 0 : end + 1);
  // A tail begins with a whole line.
  const size_t first = tail && from > 0 ? text.find('\n') + 1 : 0;
  return log_answer(call, attempt, from + static_cast<int64_t>(text.size()), text.substr(first));
}

}  // namespace

void add_file_routes(Routes& routes, Jobs& jobs) {
  const auto with = [&jobs](net::Answer (*work)(Jobs&, const Call&)) {
    return [&jobs, work](const Call& call) { return work(jobs, call); };
  };
  const std::string one = "/api/v1/jobs/{name}";
  routes.insert(routes.end(),
                {{"GET",
                  one + "/logs",
                  "getLogs",
                  "Show whole lines of a log; X-Next-Offset is where the next piece begins",
                  Access::read,
                  {{"attempt", "integer", "Which start of the job; the newest"},
                   {"from", "integer", "Byte to begin at; 0"},
                   {"limit", "integer", "At most so many bytes; 65536"},
                   {"tail", "integer", "The last so many bytes instead"}},
                  "",
                  "text/plain",
                  200,
                  with(logs)},
                 {"GET",
                  one + "/files",
                  "listFiles",
                  "List the files of a job's output",
                  Access::read,
                  {},
                  "",
                  "files",
                  200,
                  with(list_files)},
                 {"GET",
                  one + "/files/{path...}",
                  "getFile",
                  "Download a file; ranges are possible",
                  Access::read,
                  {},
                  "",
                  "application/octet-stream",
                  200,
                  with(download)}});
}

}  // namespace ringtrain::server
