// SPDX-License-Identifier: Apache-2.0
#include "server/operations/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "job/fields.hpp"
#include "server/now_text.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const OperationRecord*) {
  using T = OperationRecord;
  return std::tuple(field("id", &T::id), field("kind", &T::kind), field("target", &T::target),
                    field("request", &T::request), field("created", &T::created),
                    field("by", &T::by), field("state", &T::state), field("error", &T::error),
                    field("ended", &T::ended), field("starts", &T::starts));
}

namespace {

// One that ended the server so often is not begun again.
constexpr int kMostStarts = 3;
constexpr auto kKept = std::chrono::hours(7 * 24);
constexpr std::chrono::milliseconds kBetweenAnnouncements(500);

std::string print(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool is_old(const OperationRecord& record) {
  const auto ended = parse_time(record.ended);
  return ended && *ended + kKept < std::chrono::system_clock::now();
}

}  // namespace

bool has_ended(const OperationRecord& record) {
  return record.state != "Waiting" && record.state != "Running";
}

Operations::Operations(fs::path folder, OnOperation on_change)
    : folder_(std::move(folder)), on_change_(std::move(on_change)) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms::owner_all);
  std::error_code error;
  std::vector<fs::path> useless;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    try {
      auto record =
          ordered_json::parse(read_file(entry.path() / "operation.json")).get<OperationRecord>();
      if (is_old(record) || record.id != entry.path().filename()) {
        useless.push_back(entry.path());
      } else {
        if (!has_ended(record)) record.state = "Waiting";
        records_[record.id] = std::move(record);
      }
    } catch (const std::exception&) {  // half of one: it was never acknowledged
      useless.push_back(entry.path());
    }
  }
  for (const fs::path& path : useless) fs::remove_all(path, error);
  for (const auto& [id, record] : records_) fs::remove_all(work(id), error);
}

void Operations::add_kind(const std::string& kind, MakeTask make) {
  kinds_[kind] = std::move(make);
}

void Operations::save(const OperationRecord& record) const {
  write_file(folder_ / record.id / "operation.json", print(ordered_json(record)) + "\n");
}

ordered_json Operations::begin(const std::string& kind, const std::string& target,
                               const ordered_json& request, const std::string& by) {
  OperationRecord record{.id = random_id(),
                         .kind = kind,
                         .target = target,
                         .request = print(request),
                         .created = now_text(),
                         .by = by};
  fs::create_directory(folder_ / record.id);
  save(record);
  sync_directory(folder_);
  const std::string id = record.id;
  records_[id] = std::move(record);
  announce(records_.at(id));
  return shown(records_.at(id));
}

ordered_json Operations::shown(const OperationRecord& record) const {
  const bool runs = record.id == running_;
  ordered_json json = {
      {"id", record.id},
      {"kind", record.kind},
      {"target", record.target},
      {"state", record.state},
      {"step", runs ? seen_.step : ""},
      {"progress", record.state == "Succeeded" ? 1.0
                   : runs                      ? seen_.progress
                                               : 0},
      {"error", record.error},
      {"created", record.created},
      {"by", record.by},
      {"ended", record.ended.empty() ? ordered_json(nullptr) : ordered_json(record.ended)}};
  json["request"] = ordered_json::parse(record.request, nullptr, false);
  return json;
}

ordered_json Operations::get(const std::string& id) const {
  const auto found = records_.find(id);
  if (found == records_.end()) {
    throw Problem(404, "there is no such operation: GET /api/v1/operations lists all");
  }
  return shown(found->second);
}

ordered_json Operations::cancel(const std::string& id) {
  get(id);
  OperationRecord& record = records_.at(id);
  if (has_ended(record)) {
    throw Problem(409, "the operation has ended: " + record.state, {{"state", record.state}});
  }
  end(record, "Cancelled", "");
  return shown(record);
}

std::vector<ordered_json> Operations::list() const {
  std::vector<const OperationRecord*> all;
  for (const auto& [id, record] : records_) all.push_back(&record);
  std::sort(all.begin(), all.end(), [](const OperationRecord* one, const OperationRecord* two) {
    return std::pair(two->created, two->id) < std::pair(one->created, one->id);
  });
  std::vector<ordered_json> list;
  for (const OperationRecord* const record : all) list.push_back(shown(*record));
  return list;
}

bool Operations::is_under_way(const std::string& target) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& one) {
    return one.second.target == target && !has_ended(one.second);
  });
}

void Operations::start(OperationRecord& record) {
  if (record.starts >= kMostStarts) {
    return end(record, "Failed",
               fmt::format("the server has ended {} times while this ran", record.starts));
  }
  record.state = "Running";
  ++record.starts;
  save(record);
  fs::create_directories(work(record.id));
  running_ = record.id;
  seen_ = {};
  task_ = kinds_.at(record.kind)(record, work(record.id));
  announce(record);
}

void Operations::end(OperationRecord& record, const std::string& state, const std::string& error) {
  if (record.id == running_) {
    task_.reset();
    running_.clear();
  }
  record.state = state;
  record.error = error;
  record.ended = now_text();
  save(record);
  std::error_code ignored;
  fs::remove_all(work(record.id), ignored);
  announce(record);
}

void Operations::announce(const OperationRecord& record) {
  announced_ = std::chrono::steady_clock::now();
  on_change_(shown(record));
}

void Operations::tick() {
  if (running_.empty()) {
    OperationRecord* next = nullptr;
    for (auto& [id, record] : records_) {
      const bool is_earlier =
          next == nullptr || std::pair(record.created, id) < std::pair(next->created, next->id);
      if (record.state == "Waiting" && is_earlier) next = &record;
    }
    if (next == nullptr) return;
    running_ = next->id;
  }
  OperationRecord& record = records_.at(running_);
  try {
    if (!task_) start(record);
    if (!task_) return;
    const Task::Look before = std::exchange(seen_, task_->look());
    if (seen_.is_over) return end(record, "Succeeded", "");
    const bool has_moved = before.step != seen_.step || before.progress != seen_.progress;
    const auto now = std::chrono::steady_clock::now();
    if (has_moved && now - announced_ >= kBetweenAnnouncements) announce(record);
  } catch (const std::exception& error) {
    end(record, "Failed", error.what());
  }
}

}  // namespace ringtrain::server
