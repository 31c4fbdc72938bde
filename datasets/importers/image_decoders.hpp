// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "datasets/importers/image_list.hpp"
#include "datasets/importers/images.hpp"
#include "datasets/importers/resize.hpp"
#include "datasets/writing/writer.hpp"

namespace ringtrain::datasets {

// Threads that decode images to rows of a dataset, behind a queue of bounded size.
class ImageDecoders {
 public:
  // Requires: both outlive it; the sources have the size of a sample.
  ImageDecoders(const ImageSources& sources, Writer& writer);
  ImageDecoders(const ImageDecoders&) = delete;
  ImageDecoders& operator=(const ImageDecoders&) = delete;
  ~ImageDecoders();

  // Adds a JPEG or PNG; path: for messages. Waits while the queue is full. Throws the error of a
  // decoder.
  void add(const std::string& path, const ImageTarget& target, std::string bytes);

  // Waits for all rows. Throws the error of a decoder.
  BrokenImages finish();

  // Number of classes with a training image, after finish().
  size_t classes() const { return trained_.size(); }

 private:
  struct Job {
    std::string path;
    ImageTarget target;
    std::string bytes;
  };
  void work();
  void decode(const Job& job, Resizer& resizer, std::vector<uint8_t>& row);

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

}  // namespace ringtrain::datasets
