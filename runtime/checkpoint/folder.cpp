// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <tuple>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";

// Returns the step in the name of a checkpoint's folder.
std::optional<int64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || stopped != end || step < 0) return std::nullopt;
  return step;
}

void check(const std::error_code& error, const fs::path& path, std::string_view doing) {
  if (error)
    throw data_error(fmt::format("{}: cannot {}: {}", path.string(), doing, error.message()));
}

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  check(error, from, fmt::format("rename to {}", to.string()));
}

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  check(error, path, "make the folder");
}

// Removes a checkpoint, under a name that does not look like one before it is half gone.
void remove_checkpoint(const fs::path& path) {
  const fs::path condemned = path.parent_path() / ("." + path.filename().string() + ".removed");
  std::error_code error;
  fs::remove_all(condemned, error);
  check(error, condemned, "remove");
  move_to(path, condemned);
  fs::remove_all(condemned, error);
  check(error, condemned, "remove");
}

void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;  // the next call tries again
    if (name.starts_with("." + std::string(kPrefix))) fs::remove_all(entry->path(), ignored);
  }
}

}  // namespace

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto step = step_of(entry->path())) found.emplace_back(*step, entry->path());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::optional<FoundCheckpoint> newest_good_checkpoint(const fs::path& folder, const Warn& warn) {
  for (const fs::path& path : list_checkpoints(folder)) {
    try {
      Manifest manifest = read_manifest(path);
      check_parts(path, manifest);
      return FoundCheckpoint{path, std::move(manifest)};
    } catch (const Error& error) {
      warn(fmt::format("checkpoint skipped: {}", error.what()));
    }
  }
  return std::nullopt;
}

void prune_checkpoints(const fs::path& folder, int keep) {
  remove_leftovers(folder);
  struct Candidate {
    fs::path path;
    std::optional<Evaluation> evaluation;
  };
  std::vector<Candidate> older;
  std::optional<Candidate> best;
  int good = 0;
  for (const fs::path& path : list_checkpoints(folder)) {
    Candidate candidate{path, {}};
    bool readable = true;
    try {
      candidate.evaluation = read_manifest(path).state.evaluation();
    } catch (const Error&) {
      readable = false;
    }
    const auto key = [](const Candidate& c) {
      return std::tuple(c.evaluation->accuracy.value_or(0), -c.evaluation->loss);
    };
    if (candidate.evaluation && (!best || key(candidate) > key(*best))) best = candidate;
    if (good >= keep) older.push_back(candidate);
    if (readable) ++good;
  }
  for (const Candidate& candidate : older) {
    if (!best || candidate.path != best->path) remove_checkpoint(candidate.path);
  }
}

int set_later_checkpoints_aside(const fs::path& folder, int64_t step) {
  std::vector<fs::path> later;
  for (const fs::path& path : list_checkpoints(folder)) {
    if (*step_of(path) > step) later.push_back(path);
  }
  if (later.empty()) return 0;
  const fs::path aside = folder.string() + "-old";
  std::error_code error;
  fs::remove_all(aside, error);
  check(error, aside, "remove");
  make_directories(aside);
  for (const fs::path& path : later) move_to(path, aside / path.filename());
  return static_cast<int>(later.size());
}

PendingCheckpoint::PendingCheckpoint(const fs::path& folder, int64_t step)
    : folder_(folder),
      destination_(folder / fmt::format("{}{:08d}", kPrefix, step)),
      temporary_(folder / fmt::format(".{}{:08d}.{}", kPrefix, step, ::getpid())) {
  make_directories(folder_);
  std::error_code error;
  fs::remove_all(temporary_, error);
  check(error, temporary_, "remove");
  make_directories(temporary_);
}

PendingCheckpoint::~PendingCheckpoint() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

fs::path PendingCheckpoint::commit(const Manifest& manifest) {
  write_manifest(temporary_, manifest);  // flushes the folder as well
  std::error_code error;
  if (fs::exists(destination_, error)) remove_checkpoint(destination_);
  move_to(temporary_, destination_);
  committed_ = true;
  sync_directory(folder_);
  return destination_;
}

}  // namespace ringtrain
