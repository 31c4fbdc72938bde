// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/image_decoders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "datasets/importers/decode_image.hpp"
#include "datasets/importers/left_out.hpp"

namespace ringtrain::datasets {
namespace {

// Bytes of packed images that wait for a decoder.
constexpr uint64_t kQueueBytes = uint64_t{64} << 20;
// Images of more pixels are decoded one at a time: memory is then 64 MiB for the queue, 36 MiB for
// each thread and at most 320 MiB for one large image.
constexpr int64_t kLargePixels = int64_t{1} << 22;

constexpr size_t kExamples = 10;

}  // namespace

ImageDecoders::ImageDecoders(const ImageSources& sources, Writer& writer)
    : sources_(sources), writer_(writer) {
  int threads = sources.threads;
  if (threads <= 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}
ImageDecoders::~ImageDecoders() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  changed_.notify_all();
}

void ImageDecoders::add(const std::string& path, const ImageTarget& target, std::string bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || queued_bytes_ < kQueueBytes; });
  if (failure_) std::rethrow_exception(failure_);
  queued_bytes_ += bytes.size();
  queue_.push_back({path, target, std::move(bytes)});
  lock.unlock();
  changed_.notify_all();
}

BrokenImages ImageDecoders::finish() {
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

void ImageDecoders::work() {
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

void ImageDecoders::decode(const Job& job, Resizer& resizer, std::vector<uint8_t>& row) {
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

}  // namespace ringtrain::datasets
