// SPDX-License-Identifier: Apache-2.0
#include "storage/mirror.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace ringtrain::storage {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHistory = "history.jsonl";
constexpr const char* kManifest = "manifest.json";
constexpr const char* kOwner = ".ringtrain";
// In the order in which they go up: result.json says that the others are there.
constexpr const char* kFiles[] = {"model.safetensors", "model.pt", "model.pth", "trace.json",
                                  "result.json"};
const std::string kCheckpoints = "checkpoints/";

bool is_plain(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-');
         });
}

bool is_checkpoint(std::string_view name) {
  constexpr std::string_view kPrefix = "step-";
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() &&
         name.find_first_not_of("0123456789", kPrefix.size()) == std::string_view::npos;
}

// Returns the checkpoint that a name is a file of, else nothing. Names of a bucket may be anything.
std::string checkpoint_of(const std::string& name) {
  if (!name.starts_with(kCheckpoints)) return "";
  const size_t slash = name.find('/', kCheckpoints.size());
  if (slash == std::string::npos || !is_plain(std::string_view(name).substr(slash + 1))) return "";
  const std::string checkpoint = name.substr(kCheckpoints.size(), slash - kCheckpoints.size());
  return is_checkpoint(checkpoint) ? checkpoint : "";
}

bool is_file_of_ours(const std::string& name) {
  return name == kHistory ||
         std::find(std::begin(kFiles), std::end(kFiles), name) != std::end(kFiles);
}

// Returns a text that changes with the content of a file; empty where there is no file.
std::string stamp_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  return fmt::format("{} {} {}.{:09}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

std::set<std::string> local_checkpoints(const fs::path& folder) {
  std::set<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder / kCheckpoints, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_checkpoint(name) && !stamp_of(entry->path() / kManifest).empty()) found.insert(name);
  }
  return found;
}

std::string text_of(const Source& source) {
  constexpr uint64_t kMost = uint64_t{1} << 20;
  std::string text(std::min(source.size(), kMost), '\0');
  source.read_at(text.data(), text.size(), 0);
  return text;
}

std::string new_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace

Mirror::Mirror(Storage& storage, std::string url, fs::path folder)
    : storage_(storage), url_(std::move(url)), folder_(std::move(folder)) {}

void Mirror::begin() {
  fs::create_directories(folder_);
  lock_ = FileDescriptor(
      ::open((folder_ / ".mirror.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!lock_.is_open() || ::flock(lock_.get(), LOCK_EX) != 0) {
    throw io_error(fmt::format("{}: cannot be locked: {}", folder_.string(),
                               std::generic_category().message(errno)));
  }
  for (const std::string& url : storage_.list(url_ + "/")) {
    const std::string name = url.substr(url_.size() + 1);
    if (is_file_of_ours(name) || !checkpoint_of(name).empty()) remote_.insert(name);
  }
  const fs::path own_id = folder_ / ".mirror";
  const auto owner = storage_.find(url_of(kOwner));
  std::error_code error;
  const bool was_last =
      owner != nullptr && fs::exists(own_id, error) && read_file(own_id) == text_of(*owner);
  if (was_last) {
    find_whole();
  } else {
    fs::remove(own_id, error);
    fetch_all(remote_);
  }
  const std::string id = new_id();
  storage_.write(id, url_of(kOwner));
  write_file(own_id, id);
}

// Finds the checkpoints of the folder that are at the URL, too. A manifest has the checksums of the
// rest.
void Mirror::find_whole() {
  for (const std::string& checkpoint : local_checkpoints(folder_)) {
    const std::string manifest = kCheckpoints + checkpoint + "/" + kManifest;
    if (remote_.contains(manifest) &&
        text_of(*storage_.open(url_of(manifest))) == read_file(folder_ / manifest)) {
      whole_.insert(checkpoint);
    }
  }
}

// Replaces what is in the folder.
void Mirror::fetch_all(const std::set<std::string>& names) {
  fs::remove_all(folder_ / kCheckpoints);
  for (const char* name : kFiles) fs::remove(folder_ / name);
  fs::remove(folder_ / kHistory);
  std::set<std::string> checkpoints;
  for (const std::string& name : names) {
    const std::string checkpoint = checkpoint_of(name);
    if (checkpoint.empty()) {
      storage_.download(*storage_.open(url_of(name)), folder_ / name);
    } else if (names.contains(kCheckpoints + checkpoint + "/" + kManifest)) {
      fs::create_directories(folder_ / kCheckpoints / ("." + checkpoint));
      storage_.download(*storage_.open(url_of(name)),
                        folder_ / kCheckpoints / ("." + checkpoint) / fs::path(name).filename());
      checkpoints.insert(checkpoint);
    }
  }
  for (const std::string& checkpoint : checkpoints) {
    fs::rename(folder_ / kCheckpoints / ("." + checkpoint), folder_ / kCheckpoints / checkpoint);
    whole_.insert(checkpoint);
  }
  for (const std::string& name : names) sent_[name] = stamp_of(folder_ / name);
}

void Mirror::send() {
  const std::set<std::string> present = local_checkpoints(folder_);
  for (const std::string& checkpoint : present) {
    if (!whole_.contains(checkpoint)) send_checkpoint(checkpoint);
  }
  send_history();
  for (const char* name : kFiles) send_file(name);
  remove_old_checkpoints(present);
}

void Mirror::send_file(const std::string& name) {
  const std::string stamp = stamp_of(folder_ / name);
  if (stamp.empty()) {
    if (remote_.contains(name)) remove(name);
  } else if (sent_[name] != stamp) {
    storage_.upload(folder_ / name, url_of(name));
    sent_[name] = stamp;
    remote_.insert(name);
  }
}

// Whole lines: the last one may be half written now.
void Mirror::send_history() {
  const std::string stamp = stamp_of(folder_ / kHistory);
  if (stamp.empty() || sent_[kHistory] == stamp) return;
  constexpr uint64_t kMost = uint64_t{1} << 30;
  std::string lines = read_file(folder_ / kHistory, kMost);
  lines.resize(lines.rfind('\n') + 1);
  storage_.write(lines, url_of(kHistory));
  sent_[kHistory] = stamp;
  remote_.insert(kHistory);
}

void Mirror::send_checkpoint(const std::string& checkpoint) {
  const fs::path from = folder_ / kCheckpoints / checkpoint;
  const std::string to = kCheckpoints + checkpoint + "/";
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(from, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name != kManifest && is_plain(name)) names.push_back(name);
  }
  // One of the same step may be there, of a run that took another way.
  if (remote_.contains(to + kManifest)) remove(to + kManifest);
  names.emplace_back(kManifest);
  try {
    for (const std::string& name : names) {
      storage_.upload(from / name, url_of(to + name));
      remote_.insert(to + name);
    }
  } catch (const Error&) {
    if (!fs::exists(from / kManifest, error)) return;  // it has given way to newer ones meanwhile
    throw;
  }
  whole_.insert(checkpoint);
}

void Mirror::remove_old_checkpoints(const std::set<std::string>& present) {
  if (present.empty()) return;
  std::vector<std::string> names;
  for (const std::string& name : remote_) {
    const std::string checkpoint = checkpoint_of(name);
    if (!checkpoint.empty() && !present.contains(checkpoint)) names.push_back(name);
  }
  // Manifests first: no reader takes the rest for whole.
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name.ends_with(kManifest); });
  for (const std::string& name : names) {
    remove(name);
    whole_.erase(checkpoint_of(name));
  }
}

void Mirror::remove(const std::string& name) {
  storage_.remove(url_of(name));
  remote_.erase(name);
  sent_.erase(name);
}

int run_mirror(const std::string& url, const fs::path& folder, int input, int output) {
  constexpr int kEvery = 500;  // milliseconds between looks at the folder
  const auto say = [&](const std::string& line) { write_all(output, first_line(line) + "\n"); };
  try {
    Storage storage;
    Mirror mirror(storage, url, folder);
    mirror.begin();
    say("");
    for (bool open = true; open;) {
      pollfd event{input, POLLIN, 0};
      const int ready = ::poll(&event, 1, kEvery);
      char byte = 0;
      if (ready > 0) open = ::read(input, &byte, 1) > 0;
      try {
        mirror.send();
      } catch (const std::exception&) {
        if (!open) throw;  // what fails now is tried again until the end
      }
    }
    say("");
    return 0;
  } catch (const std::exception& error) {
    say(error.what());
    return exit_code_of(error);
  }
}

}  // namespace ringtrain::storage
