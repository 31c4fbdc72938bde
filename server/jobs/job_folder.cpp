// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/temporary_folder.hpp"
#include "base/time.hpp"
#include "job/fields.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

NLOHMANN_JSON_SERIALIZE_ENUM(Desired, {{Desired::run, "run"},
                                       {Desired::stop, "stop"},
                                       {Desired::remove, "delete"},
                                       {Desired::finish, "finish"}})

constexpr auto fields_of(const JobRecord*) {
  using T = JobRecord;
  return std::tuple(
      field("name", &T::name), field("created", &T::created), field("by", &T::by),
      field("parent", &T::parent), field("ranks", &T::ranks), field("restarts", &T::restarts),
      field("overrides", &T::overrides), field("warnings", &T::warnings), field("model", &T::model),
      field("dataset", &T::dataset), field("script", &T::script),
      field("stored_dataset", &T::stored_dataset), field("understood", &T::understood),
      field("cluster", &T::cluster), field("slots", &T::slots), field("priority", &T::priority));
}

constexpr auto fields_of(const Intent*) {
  using T = Intent;
  return std::tuple(field("desired", &T::desired), field("first_attempt", &T::first_attempt),
                    field("ranks", &T::ranks), field("is_scale", &T::is_scale),
                    field("is_order", &T::is_order), field("priority", &T::priority),
                    field("time", &T::time), field("by", &T::by));
}

namespace {

constexpr int kVersion = 1;
constexpr uint64_t kMaxIntents = uint64_t{1} << 20;

std::string print(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

[[noreturn]] void fail(const fs::path& path) {
  throw io_error(fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

}  // namespace

JobFolder::JobFolder(fs::path folder) : folder_(std::move(folder)) {
  std::error_code ignored;
  managed_ = fs::exists(folder_ / "job.json", ignored);
}

std::optional<JobFolder> JobFolder::make(const fs::path& directory, const JobRecord& record,
                                         const std::string& job_file) {
  TemporaryFolder made(directory, ".new.");
  if (::chmod(made.path().c_str(), 0755) != 0) fail(made.path());
  write_file(made.path() / "job.yaml", job_file);
  ordered_json json = {{"version", kVersion}};
  json.update(ordered_json(record));
  write_file(made.path() / "job.json", print(json));
  const Intent first{.priority = record.priority, .time = record.created, .by = record.by};
  write_file(made.path() / "intent.jsonl", print(first));
  for (const char* const folder : {"attempts", "output"}) {
    if (::mkdir((made.path() / folder).c_str(), 0755) != 0) fail(made.path() / folder);
  }
  sync_directory(made.path());
  const fs::path folder = directory / record.name;
  if (::rename(made.path().c_str(), folder.c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return std::nullopt;
    fail(folder);
  }
  made.keep();
  sync_directory(directory);
  return JobFolder(folder);
}

bool JobFolder::exists() const {
  if (folder_.empty()) return false;
  std::error_code ignored;
  return managed_ || fs::exists(folder_ / "events.jsonl", ignored) ||
         fs::exists(folder_ / "outcome.json", ignored);
}

fs::path JobFolder::attempt(int number) const {
  return managed_ ? folder_ / "attempts" / std::to_string(number) : folder_;
}

int JobFolder::last_attempt() const {
  if (!managed_) return 1;
  int last = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ / "attempts", ignored)) {
    last = std::max(last, std::atoi(entry.path().filename().c_str()));
  }
  return last;
}

std::optional<JobRecord> JobFolder::read_record() const {
  try {
    const auto json = ordered_json::parse(read_file(folder_ / "job.json"));
    if (!json.is_object() || json.value("version", kVersion) > kVersion) return std::nullopt;
    auto record = json.get<JobRecord>();
    record.name = name();
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

JobRecord JobFolder::record_of_run() const {
  JobRecord record{.name = name()};
  std::error_code ignored;
  const auto written = fs::last_write_time(folder_, ignored);
  if (!ignored) {
    record.created = print_time_ms(
        std::chrono::time_point_cast<Time::duration>(std::chrono::file_clock::to_sys(written)));
  }
  return record;
}

std::vector<Intent> JobFolder::read_intents() const {
  std::vector<Intent> intents;
  try {
    std::istringstream lines(read_file(folder_ / "intent.jsonl", kMaxIntents));
    for (std::string line; std::getline(lines, line);) {
      try {
        intents.push_back(ordered_json::parse(line).get<Intent>());
      } catch (const ordered_json::exception&) {  // half of a line: it was never acknowledged
      }
    }
  } catch (const Error&) {
  }
  return intents;
}

void JobFolder::append(const Intent& intent) const {
  const fs::path path = folder_ / "intent.jsonl";
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  // A newline first: the line before may be half of one.
  const std::string line = "\n" + print(intent);
  if (!file.is_open() || write_all(file.get(), line) != line.size() || ::fsync(file.get()) != 0) {
    fail(path);
  }
}

}  // namespace ringtrain::server
