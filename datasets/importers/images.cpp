// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/images.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "datasets/importers/decode_image.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/importers/image_list.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {
namespace {

// Bytes of packed images that wait for a decoder.
constexpr uint64_t kQueueBytes = uint64_t{64} << 20;
// Images of more pixels are decoded one at a time: memory is then 64 MiB for the queue, 36 MiB for
// each thread and at most 320 MiB for one large image.
constexpr int64_t kLargePixels = int64_t{1} << 22;

constexpr size_t kExamples = 10;

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

  // Waits while the queue is full. Throws the error of a decoder.
  void add(const std::string& path, const ImageTarget& target, std::string bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || queued_bytes_ < kQueueBytes; });
    if (failure_) std::rethrow_exception(failure_);
    queued_bytes_ += bytes.size();
    queue_.push_back({path, target, std::move(bytes)});
    lock.unlock();
    changed_.notify_all();
  }

  // Number of classes with a training image, after finish().
  size_t classes() const { return trained_.size(); }

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
    ImageTarget target;
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
      const DecodedImage image =
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
      ++broken_.by_folder[folder_of(job.path)];
      if (broken_.examples.size() < kExamples) broken_.examples.push_back(text);
      return;
    }
    writer_.put(job.target.split, job.target.row, reinterpret_cast<const std::byte*>(row.data()),
                job.target.label);
    if (job.target.split != Split::train) return;
    const std::lock_guard lock(mutex_);
    trained_.insert(job.target.label);
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
  std::set<int64_t> trained_;  // labels with a training image
  std::vector<std::jthread> threads_;
};

// Sets the size of the samples where the user has not. Returns the reason; empty for a given size.
std::string choose_size(const FileTree& tree, const ImageList& images, ImageSources& sources) {
  constexpr int64_t kUsual = 224;  // of networks for photographs
  constexpr uint64_t kLookedAt = 1000;
  const bool given = sources.height != 0 || sources.width != 0;
  if (sources.height == 0) sources.height = kUsual;
  if (sources.width == 0) sources.width = kUsual;
  if (given) return "";
  const uint64_t step = (images.train_rows() + images.test_rows() + kLookedAt - 1) / kLookedAt;
  std::map<std::pair<int64_t, int64_t>, uint64_t> counts;  // by height and width
  uint64_t counter = 0;
  uint64_t sized = 0;
  const auto wanted = [&](const std::string&, uint64_t number) {
    return images.contains(number) && counter++ % step == 0;
  };
  tree.read(wanted, [&](const std::string&, uint64_t, std::string& bytes) {
    try {
      const ImageSize size = image_size(bytes);
      ++counts[{size.height, size.width}];
      ++sized;
    } catch (const Error&) {
      // Decoding it names it.
    }
  });
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  std::string why = "the images differ in size";
  if (sized > 0 && most->second > sized / 2) {
    const auto [height, width] = most->first;
    why = fmt::format("most images have {} x {}", height, width);
    if (height >= 1 && width >= 1 && height <= kUsual && width <= kUsual) {
      sources.height = height;
      sources.width = width;
    }
  }
  return fmt::format("samples are {} x {} (height x width), since {}; --height and --width choose",
                     sources.height, sources.width, why);
}

}  // namespace

ImportedImages import_images(const ImageSources& given, const std::filesystem::path& destination,
                             const ImportOptions& options) {
  ImageSources sources = given;
  if (sources.channels != 1 && sources.channels != 3) {
    throw data_error(fmt::format("{} channels; images have 1 or 3", sources.channels));
  }
  const FileTree tree(sources.path);
  const ImageList images(tree, sources.test_share, options.shuffle_seed);
  LeftOut left_out = images.left_out();
  const auto lines = [&] { return left_out.lines(tree.name(), images.class_path_length()); };
  const auto require_two = [&](size_t classes) {
    std::string why;
    for (const std::string& line : lines()) why += "; " + line;
    require_two_classes(options, tree.name(), classes, why);
  };
  require_two(images.class_names().size());
  ImportedImages result;
  result.size_note = choose_size(tree, images, sources);
  NewDataset dataset = new_dataset(options, sources.path.string(), ElementType::u8,
                                   {sources.channels, sources.height, sources.width});
  dataset.train_rows = images.train_rows();
  dataset.test_rows = images.test_rows();
  Writer writer(destination, dataset);
  const size_t classes = images.class_names().size();
  if (!options.class_names.empty() && options.class_names.size() != classes) {
    throw job_error(fmt::format(
        "--class-names: has {}, but {} has {}: {}", counted(options.class_names.size(), "name"),
        tree.name(), counted(classes, "class folder"), fmt::join(images.class_names(), ", ")));
  }
  const auto& names = options.class_names.empty() ? images.class_names() : options.class_names;
  note_classes(options, images.class_names(), names);
  writer.set_class_names(names);
  Decoders decoders(sources, writer);
  const uint64_t total = dataset.train_rows + dataset.test_rows;
  uint64_t done = 0;
  tree.read([&](const std::string&, uint64_t number) { return images.contains(number); },
            [&](const std::string& path, uint64_t number, std::string& bytes) {
              decoders.add(path, images.at(number, path), std::exchange(bytes, {}));
              if (options.progress) options.progress(++done, total);
            });
  result.broken = decoders.finish();
  for (const auto& [folder, count] : result.broken.by_folder) {
    left_out.add_files(folder, "broken", count);
  }
  if (result.broken.count > 0) require_two(decoders.classes());
  result.left_out = lines();
  result.index = writer.finish();
  return result;
}

}  // namespace ringtrain::datasets
