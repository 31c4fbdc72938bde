// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "datasets/importers/array_source.hpp"
#include "datasets/importers/decode_image.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

// Packed images that wait for a decoder.
constexpr uint64_t kQueueBytes = uint64_t{64} << 20;
// Images of more pixels are decoded one at a time: memory is then 64 MiB for the queue, 36 MiB for
// each thread and at most 320 MiB for one large image.
constexpr int64_t kLargePixels = int64_t{1} << 22;

constexpr size_t kExamples = 10;

using Path = std::vector<std::string>;  // folders, then the file

Path components(const std::string& path) {
  Path parts;
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

bool has_image_name(const std::string& path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos) return false;
  std::string extension = path.substr(dot + 1);
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  // "._x.jpg": what macOS adds to archives.
  const std::string name = path.substr(path.rfind('/') + 1);
  return !name.starts_with('.') && path.find("__MACOSX") == std::string::npos &&
         (extension == "jpg" || extension == "jpeg" || extension == "png");
}

bool is_part_name(const std::string& name) {
  return name == "train" || name == "test" || name == "val" || name == "validation";
}

struct Target {
  bool used = false;
  size_t path_hash = 0;  // to notice files that come or go between the two walks
  Split split = Split::train;
  uint64_t row = 0;
  int64_t label = 0;
};

// Which image goes where, from the paths alone.
class Layout {
 public:
  Layout(const FileTree& tree, const ImageSources& sources, uint64_t seed) {
    tree.list([&](const std::string& path, uint64_t number) {
      if (!has_image_name(path)) return;
      images_.push_back({number, components(path)});
    });
    if (images_.empty()) throw data_error(tree.name() + ": holds no JPEG or PNG files");
    const size_t depth = depth_of_classes();
    const bool has_parts = part_depth_.has_value();
    std::set<std::string> parts;
    if (has_parts) {
      for (const Found& image : images_) parts.insert(image.path[*part_depth_]);
      if (!parts.contains("train"))
        throw data_error(tree.name() + ": has a test part, but no train/");
    }
    const bool has_test = parts.contains("test");
    const auto split_of = [&](const Path& path) -> std::optional<Split> {
      if (!has_parts || path[*part_depth_] == "train") return Split::train;
      // val/ beside test/ is left out: it belongs to neither part.
      if (has_test && path[*part_depth_] != "test") return std::nullopt;
      return Split::test;
    };

    for (const Found& image : images_) {
      if (image.path.size() < depth + 2) {
        throw data_error(
            fmt::format("{}: {} lies in no class folder", tree.name(), fmt::join(image.path, "/")));
      }
      if (split_of(image.path) == Split::train) labels_.emplace(image.path[depth], 0);
    }
    for (auto& [name, label] : labels_) {
      label = static_cast<int64_t>(class_names_.size());
      class_names_.push_back(name);
    }
    place(tree, sources, seed, depth, split_of, has_parts && parts.size() > 1);
  }

  const Target& at(uint64_t number) const {
    static const Target unused;
    return number < targets_.size() ? targets_[number] : unused;
  }
  const std::vector<std::string>& class_names() const { return class_names_; }
  uint64_t train_rows() const { return rows_[0]; }
  uint64_t test_rows() const { return rows_[1]; }

 private:
  struct Found {
    uint64_t number;
    Path path;
  };

  // Skips folders that all images share; then perhaps train/ and test/; then come the classes.
  size_t depth_of_classes() {
    size_t depth = 0;
    for (;; ++depth) {
      bool all_parts = true;
      bool same = true;
      for (const Found& image : images_) {
        if (image.path.size() < depth + 2) return depth;  // a file lies here
        all_parts &= is_part_name(image.path[depth]);
        same &= image.path[depth] == images_.front().path[depth];
      }
      if (all_parts) {
        part_depth_ = depth;
        return depth + 1;
      }
      // The only class is no folder around classes: files lie directly in it.
      bool files_below = false;
      for (const Found& image : images_) files_below |= image.path.size() == depth + 2;
      if (!same || files_below) return depth;
    }
  }

  template <typename SplitOf>
  void place(const FileTree& tree, const ImageSources& sources, uint64_t seed, size_t depth,
             const SplitOf& split_of, bool has_test_part) {
    uint64_t last = 0;
    for (const Found& image : images_) last = std::max(last, image.number);
    targets_.resize(last + 1);
    std::optional<SeededSplit> seeded;
    if (!has_test_part) seeded.emplace(images_.size(), sources.test_share, seed);
    uint64_t counter = 0;
    for (const Found& image : images_) {
      const std::optional<Split> split = split_of(image.path);
      if (!split) continue;
      const auto label = labels_.find(image.path[depth]);
      if (label == labels_.end()) {
        throw data_error(fmt::format("{}: the test class {} has no training images", tree.name(),
                                     image.path[depth]));
      }
      const size_t hash = std::hash<std::string>{}(fmt::format("{}", fmt::join(image.path, "/")));
      Target target{true, hash, *split, 0, label->second};
      if (seeded) {
        const SeededSplit::Place drawn = (*seeded)(counter++);
        target.split = drawn.split;
        target.row = drawn.row;
        rows_[static_cast<size_t>(target.split)]++;
      } else {
        target.row = rows_[static_cast<size_t>(target.split)]++;
      }
      targets_[image.number] = target;
    }
    images_.clear();
    images_.shrink_to_fit();
  }

  std::vector<Found> images_;
  std::optional<size_t> part_depth_;
  std::map<std::string, int64_t> labels_;
  std::vector<std::string> class_names_;
  std::vector<Target> targets_;  // by number in the tree
  uint64_t rows_[2] = {0, 0};
};

// Decoding threads behind a queue of bounded size.
class Decoders {
 public:
  Decoders(const ImageSources& sources, Writer& writer) : sources_(sources), writer_(writer) {
    int threads = sources.threads;
    if (threads <= 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  Decoders(const Decoders&) = delete;
  Decoders& operator=(const Decoders&) = delete;
  ~Decoders() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      queue_.clear();
    }
    changed_.notify_all();
  }

  // Waits while the queue is full. Throws what a decoder met.
  void add(const std::string& path, const Target& target, std::string bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || queued_bytes_ < kQueueBytes; });
    if (failure_) std::rethrow_exception(failure_);
    queued_bytes_ += bytes.size();
    queue_.push_back({path, target, std::move(bytes)});
    lock.unlock();
    changed_.notify_all();
  }

  BrokenImages finish() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    threads_.clear();  // joins
    if (failure_) std::rethrow_exception(failure_);
    std::sort(broken_.examples.begin(), broken_.examples.end());
    return broken_;
  }

 private:
  struct Job {
    std::string path;
    Target target;
    std::string bytes;
  };

  void work() {
    Resizer resizer;
    std::vector<uint8_t> row(
        static_cast<size_t>(sources_.channels * sources_.height * sources_.width));
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || failure_ || !queue_.empty(); });
      if (failure_ || queue_.empty()) return;
      Job job = std::move(queue_.front());
      queue_.pop_front();
      queued_bytes_ -= job.bytes.size();
      lock.unlock();
      changed_.notify_all();
      std::exception_ptr failure;
      try {
        decode(job, resizer, row);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure) {
        failure_ = failure;
        changed_.notify_all();
        return;
      }
    }
  }

  void decode(const Job& job, Resizer& resizer, std::vector<uint8_t>& row) {
    try {
      const ImageSize size = image_size(job.bytes);
      std::unique_lock large(large_, std::defer_lock);
      if (size.height != 0 && size.width > kLargePixels / size.height) large.lock();
      const Image image =
          decode_image(job.bytes, sources_.channels, sources_.width, sources_.height);
      resizer.resize(image, window_of(image, sources_.width, sources_.height, sources_.fit),
                     sources_.width, sources_.height, row.data());
    } catch (const Error& error) {
      const std::string text = fmt::format("{}: {}", job.path, error.what());
      if (!sources_.skip_broken) {
        throw data_error(fmt::format("{}: {} (--broken skip leaves such images out)",
                                     sources_.path.string(), text));
      }
      writer_.drop(job.target.split, job.target.row);
      const std::lock_guard lock(mutex_);
      ++broken_.count;
      if (broken_.examples.size() < kExamples) broken_.examples.push_back(text);
      return;
    }
    writer_.put(job.target.split, job.target.row, reinterpret_cast<const std::byte*>(row.data()),
                job.target.label);
  }

  const ImageSources& sources_;
  Writer& writer_;
  std::mutex large_;  // held while a large image is decoded
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  uint64_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
  BrokenImages broken_;
  std::vector<std::jthread> threads_;
};

}  // namespace

ImportedImages import_images(const ImageSources& sources, const std::filesystem::path& destination,
                             const ImportOptions& options) {
  if (sources.channels != 1 && sources.channels != 3) {
    throw data_error(fmt::format("{} channels; images have 1 or 3", sources.channels));
  }
  const FileTree tree(sources.path);
  const Layout layout(tree, sources, options.shuffle_seed);
  NewDataset dataset;
  dataset.element = Element::u8;
  dataset.shape = {sources.channels, sources.height, sources.width};
  dataset.train_rows = layout.train_rows();
  dataset.test_rows = layout.test_rows();
  dataset.source = options.source.empty() ? sources.path.string() : options.source;
  dataset.shuffle_seed = options.shuffle_seed;
  dataset.block_rows = options.block_rows;
  Writer writer(destination, dataset);
  writer.set_class_names(layout.class_names());
  Decoders decoders(sources, writer);
  const uint64_t total = dataset.train_rows + dataset.test_rows;
  uint64_t done = 0;
  tree.read([&](const std::string&, uint64_t number) { return layout.at(number).used; },
            [&](const std::string& path, uint64_t number, std::string& bytes) {
              const std::string whole = fmt::format("{}", fmt::join(components(path), "/"));
              if (layout.at(number).path_hash != std::hash<std::string>{}(whole)) {
                throw data_error(tree.name() + ": files changed while they were read");
              }
              decoders.add(path, layout.at(number), std::move(bytes));
              bytes = {};
              if (options.progress) options.progress(++done, total);
            });
  ImportedImages result;
  result.broken = decoders.finish();
  result.plan = writer.finish();
  return result;
}

}  // namespace ringtrain::datasets
