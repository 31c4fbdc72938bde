// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/import_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "server/datasets/buckets.hpp"
#include "server/datasets/fetch.hpp"
#include "server/operations/file_work.hpp"
#include "server/problem.hpp"
#include "server/server_folder.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

// Limits of an importer.
constexpr uint64_t kMemoryBytes = uint64_t{4} << 30;
constexpr uint64_t kCpuSeconds = 4 * 3600;
constexpr size_t kMostNotes = 100;
constexpr const char* kSampleRows = "64";

// As importers see it, from the folder of files.
std::string result_name() { return "../result/data.h5"; }

uint64_t room_for_files(const fs::path& folder) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  return space.available > kLeastFreeBytes ? space.available - kLeastFreeBytes : 0;
}

}  // namespace

std::vector<Refusal> check_sources(ImportRequest& request, const ImportParts& parts) {
  std::vector<Refusal> refusals;
  for (SourceFile& file : request.files) {
    const std::string key = "files." + file.role;
    if (!file.upload.empty()) {
      try {
        const Upload upload = parts.uploads.get(file.upload);
        file.name = upload.record.name;
        if (!upload.is_whole()) {
          refusals.push_back({key, 0,
                              fmt::format("{} of its {} bytes have arrived: continue the upload",
                                          upload.offset, upload.record.length)});
        }
      } catch (const Problem& problem) {
        refusals.push_back({key, 0, problem.detail()});
      }
    } else if (!file.url.empty()) {
      const std::string why = is_s3_url(file.url)
                                  ? refusal_of_bucket_url(file.url, parts.limits.buckets)
                                  : refusal_of_url(file.url, parts.sources);
      if (!why.empty()) refusals.push_back({key, 0, why});
    } else {
      const DataPath found = find_data_path(parts.limits, file.path);
      if (!found.refusal.empty()) {
        refusals.push_back({key, 0, found.refusal, found.allowed});
      } else {
        file.path = found.path.string();
      }
    }
  }
  return refusals;
}

ImportTask::ImportTask(const OperationRecord& record, fs::path work, const ImportParts& parts)
    : record_(record),
      work_(std::move(work)),
      parts_(parts),
      request_(parse_import(ordered_json::parse(record.request)).request) {
  // An earlier server may have ended between the last step and its record.
  if (parts_.datasets.exists(request_.dataset) &&
      parts_.datasets.get(request_.dataset).value("operation", "") == record_.id) {
    phase_ = Phase::over;
    return;
  }
  const auto refusals = check_sources(request_, parts_);
  if (!refusals.empty()) {
    throw data_error(fmt::format("{}: {}", refusals[0].path, refusals[0].message));
  }
  for (const char* const folder : {"files", "result", "logs"}) fs::create_directory(work_ / folder);
}

// A dataset of ringtrain's own is the result already.
fs::path ImportTask::place_of(size_t number) const {
  if (request_.kind == "ringtrain") return result() / "data.h5";
  const SourceFile& file = request_.files.at(number);
  const auto has_its_name = [&](const SourceFile& one) { return one.name == file.name; };
  const bool is_twice =
      std::count_if(request_.files.begin(), request_.files.end(), has_its_name) > 1;
  return work_ / "files" / (is_twice ? file.role + "-" + file.name : file.name);
}

// A file that became the dataset itself has the name by which it was sent.
std::string ImportTask::in_names_of_the_sender(std::string message) const {
  const std::string place = result_name();
  const std::string name = request_.kind == "ringtrain" ? request_.files.at(0).name : "the dataset";
  for (size_t at = message.find(place); at != std::string::npos; at = message.find(place, at)) {
    message.replace(at, place.size(), name);
    at += name.size();
  }
  return message;
}

Task::Look ImportTask::look() {
  if (background_) {
    if (!background_->poll()) return {false, step_, background_->progress()};
    background_.reset();
  }
  if (child_) {
    const auto ended = child_->poll();
    if (!ended) return {false, step_, child_->progress()};
    if (*ended || phase_ == Phase::sample) {
      take_output(*ended);
    } else {
      throw data_error(in_names_of_the_sender(child_->error()));
    }
    child_.reset();
  }
  if (phase_ == Phase::over) return {.is_over = true};
  begin_next();
  return {phase_ == Phase::over && !child_ && !background_, step_, 0};
}

void ImportTask::begin_next() {
  switch (phase_) {
    case Phase::fetch:
      if (paths_.size() < request_.files.size()) return fetch_next();
      phase_ = Phase::import;
      return run("importing", import_words(request_, paths_, result_name()));
    case Phase::import:
      phase_ = Phase::describe;
      return run("describing", {"dataset", "info", "--json", result_name()});
    case Phase::describe:
      phase_ = Phase::sample;
      return run("drawing samples", {"dataset", "sample", result_name(), "--rows", kSampleRows,
                                     "--output", "../result/sheet.png"});
    case Phase::sample:
      phase_ = Phase::sum;
      step_ = "adding up checksums";
      background_ = std::make_unique<Background>(
          [this](BackgroundState& state) { sum_ = sum_of_file(result() / "data.h5", state); });
      return;
    case Phase::sum:
      publish();
      phase_ = Phase::over;
      return;
    case Phase::over:
      return;
  }
}

void ImportTask::fetch_next() {
  const size_t number = paths_.size();
  const SourceFile& file = request_.files[number];
  const fs::path place = place_of(number);
  if (!file.url.empty()) {
    step_ = "downloading " + file.name;
    const FetchLimits limits{parts_.sources, room_for_files(work_)};
    background_ =
        std::make_unique<Background>([url = file.url, place, limits](BackgroundState& state) {
          if (is_s3_url(url)) {
            fetch_object(url, place, limits.max_bytes, state);
          } else {
            fetch(url, place, limits, state);
          }
        });
  } else if (!file.upload.empty()) {
    step_ = "preparing";
    std::error_code error;
    fs::create_hard_link(parts_.uploads.data(file.upload), place, error);
    if (error) copy_file(parts_.uploads.data(file.upload), place);
  } else if (request_.kind == "ringtrain") {
    copy_file(file.path, place);
  }
  const bool is_elsewhere = !file.path.empty();
  paths_.push_back(is_elsewhere ? file.path : place.filename().string());
}

void ImportTask::copy_file(const fs::path& from, const fs::path& to) {
  step_ = "copying";
  background_ = std::make_unique<Background>(
      [from, to](BackgroundState& state) { copy_whole_file(from, to, state); });
}

void ImportTask::run(const char* step, const std::vector<std::string>& words) {
  step_ = step;
  child_.emplace(parts_.program,
                 launcher::Confinement{.directory = work_ / "files",
                                       .memory_bytes = kMemoryBytes,
                                       .file_bytes = room_for_files(work_),
                                       .cpu_seconds = kCpuSeconds},
                 words, work_ / "logs");
}

// Takes what the child of this phase has printed. `is_good`: it has succeeded.
void ImportTask::take_output(bool is_good) {
  if (phase_ == Phase::import) {
    notes_ = child_->notes();
    if (notes_.size() > kMostNotes) notes_.resize(kMostNotes);
  } else if (phase_ == Phase::describe) {
    info_ = ordered_json::parse(child_->output(), nullptr, false);
    if (!info_.is_object()) throw data_error("the dataset cannot be described");
    if (info_.value("part_count", 1) > 1) {
      throw data_error("this file is one part of a dataset: import the dataset as one file");
    }
  } else if (phase_ == Phase::sample && !fs::exists(result() / "sheet.png")) {
    // A dataset that nobody can draw is a good one all the same.
    write_file(result() / "rows.txt", is_good ? child_->output() : child_->error() + "\n");
  }
}

void ImportTask::publish() {
  ordered_json json = {{"version", 1},
                       {"name", request_.dataset},
                       {"kind", request_.kind},
                       {"created", print_time_ms(std::chrono::system_clock::now())},
                       {"by", record_.by},
                       {"operation", record_.id},
                       {"options", request_.options}};
  for (const SourceFile& file : request_.files) {
    json["files"][file.role] = file.url.empty()      ? file.name
                               : is_s3_url(file.url) ? file.url
                                                     : file.url.substr(0, file.url.find('?'));
  }
  json["bytes"] = fs::file_size(result() / "data.h5");
  json["sha256"] = sum_;
  json["has_sheet"] = fs::exists(result() / "sheet.png");
  json["notes"] = notes_;
  for (const char* const key :
       {"uuid", "element", "shape", "train_rows", "test_rows", "classes", "train_rows_of_class",
        "test_rows_of_class", "targets", "mean", "std", "source", "source_sha256"}) {
    if (info_.contains(key)) json[key] = info_[key];
  }
  write_file(result() / "dataset.json",
             json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  parts_.datasets.adopt(result(), request_.dataset);
  for (const SourceFile& file : request_.files) {
    if (!file.upload.empty()) parts_.uploads.remove(file.upload);
  }
}

}  // namespace ringtrain::server
