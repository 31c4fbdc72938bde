// SPDX-License-Identifier: Apache-2.0
#include "server/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/temporary_folder.hpp"
#include "server/api/tokens.hpp"
#include "server/jobs/job_folder.hpp"
#include "server/now_text.hpp"
#include "server/server_folder.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path) {
  throw io_error(fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

// Copies what the file has now, which may grow meanwhile. Returns its size.
uint64_t copy_bytes(const fs::path& from, const fs::path& to) {
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat about {};
  if (!source.is_open() || ::fstat(source.get(), &about) != 0) fail(from);
  const FileDescriptor made(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, about.st_mode & 0700));
  if (!made.is_open()) fail(to);
  std::string piece(size_t{1} << 20, '\0');
  uint64_t done = 0;
  const auto size = static_cast<uint64_t>(about.st_size);
  while (done < size) {
    const ssize_t got =
        ::pread(source.get(), piece.data(), std::min<uint64_t>(piece.size(), size - done),
                static_cast<off_t>(done));
    if (got < 0) fail(from);
    if (got == 0) break;  // it was cut meanwhile
    const std::string_view bytes(piece.data(), static_cast<size_t>(got));
    if (write_all(made.get(), bytes) != bytes.size()) fail(to);
    done += bytes.size();
  }
  if (::fsync(made.get()) != 0) fail(to);
  return done;
}

void make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0) fail(folder);
}

// Names of an attempt that say who runs it: nobody runs the copy.
bool is_of_a_process(const std::string& name) {
  return name == "run.lock" || name == "run.json" || name == ".lock" || name.starts_with(".new.");
}

class Backup {
 public:
  Backup(const fs::path& from, const fs::path& to) : from_(from), to_(to) {}

  BackupSummary take() {
    for (const char* const file : {"token", "tokens.json", "audit.jsonl"}) {
      if (fs::exists(from_ / file)) copy(from_ / file, to_ / file);
    }
    if (fs::exists(from_ / "keys")) copy_tree(from_ / "keys", to_ / "keys", false);
    // Datasets are as large as weights.
    if (const fs::path functions = "kubeml/functions"; fs::exists(from_ / functions)) {
      make_folder(to_ / "kubeml");
      copy_tree(from_ / functions, to_ / functions, false);
    }
    make_folder(to_ / "jobs");
    for (const fs::path& folder : folders_in(from_ / "jobs")) {
      copy_job(JobFolder(folder), to_ / "jobs" / folder.filename());
    }
    for (const fs::path& folder : folders_in(from_)) {
      if (!is_own_folder(folder.filename())) {
        copy_job(JobFolder(folder), to_ / folder.filename());
      }
    }
    return summary_;
  }

 private:
  static std::vector<fs::path> folders_in(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with('.') && !entry.is_symlink(error) && entry.is_directory(error)) {
        found.push_back(entry.path());
      }
    }
    return found;
  }

  void copy_job(const JobFolder& job, const fs::path& to) {
    if (!job.exists()) return;
    copy_tree(job.path(), to, !job.is_managed());
    ++summary_.jobs;
    if (job.is_managed()) stop(JobFolder(to));
  }

  // Asks a job of the copy to stop, unless it has ended or was stopped.
  void stop(const JobFolder& copy) {
    const auto intents = copy.read_intents();
    if (intents.empty() || intents.back().desired != Desired::run) return;
    const Intent& last = intents.back();
    const int attempt = copy.last_attempt();
    if (attempt >= last.first_attempt) {
      const auto outcome = read_outcome(copy.attempt(attempt) / "outcome.json");
      const bool has_ended = outcome && outcome->status != RunStatus::killed &&
                             outcome->status != RunStatus::cancelled;
      if (has_ended) return;
    }
    copy.append({.desired = Desired::stop,
                 .first_attempt = last.first_attempt,
                 .time = now_text(),
                 .by = "backup"});
    ++summary_.stopped;
  }

  // `is_output`: it has checkpoints and weights, which are left out.
  void copy_tree(const fs::path& from, const fs::path& to, bool is_output) {
    make_folder(to);
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (const auto& entry : fs::directory_iterator(from, error)) entries.push_back(entry);
    if (error) throw io_error(fmt::format("{}: {}", from.string(), error.message()));
    for (const fs::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().string();
      if (is_of_a_process(name) || entry.is_symlink(error)) continue;
      if (entry.is_directory(error)) {
        if (is_output && name == "checkpoints") {
          ++summary_.left_out;
        } else {
          copy_tree(entry.path(), to / name, is_output || name == "output");
        }
      } else if (entry.is_regular_file(error)) {
        const bool is_truth = name == "events.jsonl" || name == "outcome.json";
        if (is_output && !is_truth && entry.file_size(error) > kMostOutputBytes) {
          ++summary_.left_out;
        } else {
          copy(entry.path(), to / name);
        }
      }
    }
  }

  // A file that is gone meanwhile, as a draft is, was none of the truth.
  void copy(const fs::path& from, const fs::path& to) {
    try {
      summary_.bytes += copy_bytes(from, to);
    } catch (const Error&) {
      std::error_code error;
      if (fs::exists(from, error) || error) throw;
    }
  }

  const fs::path& from_;
  const fs::path& to_;
  BackupSummary summary_;
};

}  // namespace

BackupSummary back_up(const fs::path& from, const fs::path& to) {
  read_owner_token(from);  // refuses a folder that is none of a server
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error))) {
    throw job_error(
        fmt::format("{} exists: give the path of a folder that is not there", to.string()));
  }
  const fs::path parent = to.has_parent_path() ? to.parent_path() : fs::path(".");
  if (!fs::is_directory(parent, error)) {
    throw job_error(fmt::format("{} is no folder: make it first", parent.string()));
  }
  const fs::path canonical = fs::canonical(parent, error);
  const std::string inside = fs::canonical(from).string() + "/";
  if ((canonical.string() + "/").starts_with(inside)) {
    throw job_error(
        fmt::format("{} lies in the server's own folder: give a path elsewhere", to.string()));
  }
  TemporaryFolder draft(parent, to.filename().string() + ".new.");
  const BackupSummary summary = Backup(from, draft.path()).take();
  if (::rename(draft.path().c_str(), to.c_str()) != 0) fail(to);
  draft.keep();
  sync_directory(parent);
  return summary;
}

}  // namespace ringtrain::server
