// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/fetched_objects.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/url.hpp"
#include "storage/cache/cache_message.hpp"

namespace ringtrain::storage {
namespace {

// Headers of a file are read in small pieces that lie near each other.
constexpr uint64_t kPage = 256 << 10;
constexpr size_t kMostPages = 64;

}  // namespace

Storage& FetchedObjects::storage() {
  const std::lock_guard lock(mutex_);
  if (!storage_) storage_.emplace();
  return *storage_;
}

FetchedObject& FetchedObjects::at(uint32_t object) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(objects_.begin(), objects_.end(),
                                  [&](const FetchedObject& one) { return one.number == object; });
  if (found == objects_.end()) throw data_error("there is no such object");
  return *found;
}

const FetchedObject& FetchedObjects::open(const std::string& url, const std::string& etag) {
  const std::lock_guard one_at_a_time(opening_);
  {
    const std::lock_guard lock(mutex_);
    for (const FetchedObject& object : objects_) {
      if (object.url == url && (etag.empty() || object.source->etag() == etag)) return object;
    }
  }
  auto source = storage().open(url);
  if (!etag.empty() && source->etag() != etag) {
    throw data_error(
        fmt::format("{}: has changed since it was opened: start again", printable_url(url)));
  }
  CacheFile file(folder_, source->size());
  const std::lock_guard lock(mutex_);
  return objects_.emplace_back(FetchedObject{static_cast<uint32_t>(objects_.size() + 1), url,
                                             std::move(source), std::move(file)});
}

std::string FetchedObjects::list(const std::string& prefix) {
  std::string lines;
  for (const std::string& url : storage().list(prefix)) {
    if (url.find('\n') == std::string::npos) lines += url + "\n";
  }
  if (lines.size() > kMostPayload) {
    throw data_error(fmt::format("{}: too many objects begin with this", prefix));
  }
  return lines;
}

bool FetchedObjects::has(uint32_t object, uint64_t offset, uint64_t size) {
  const std::lock_guard lock(mutex_);
  return std::any_of(objects_.begin(), objects_.end(), [&](const FetchedObject& one) {
    const uint64_t whole = one.source->size();
    return one.number == object && offset <= whole && size <= whole - offset;
  });
}

std::string FetchedObjects::page(FetchedObject& object, uint64_t number) {
  const std::pair key(object.number, number);
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(pages_.begin(), pages_.end(), [&](const Page& one) { return one.key == key; });
    if (found != pages_.end()) {
      pages_.splice(pages_.begin(), pages_, found);
      return found->bytes;
    }
  }
  const uint64_t offset = number * kPage;
  std::string bytes(std::min(kPage, object.source->size() - offset), '\0');
  object.source->read_at(bytes.data(), bytes.size(), offset);
  const std::lock_guard lock(mutex_);
  pages_.push_front({key, bytes});
  if (pages_.size() > kMostPages) pages_.pop_back();
  return bytes;
}

std::string FetchedObjects::read(uint32_t number, uint64_t offset, uint64_t size) {
  FetchedObject& object = at(number);
  if (size > kMostPayload || !has(number, offset, size)) throw data_error("there is no such range");
  std::string bytes;
  while (bytes.size() < size) {
    const uint64_t from = offset + bytes.size();
    const std::string around = page(object, from / kPage);
    bytes += around.substr(from % kPage, size - bytes.size());
  }
  return bytes;
}

void FetchedObjects::fetch(const KeyedRange& range) {
  FetchedObject& object = at(range.key.object);
  std::string bytes(range.size, '\0');
  object.source->read_at(bytes.data(), bytes.size(), range.key.offset);
  object.file.write(bytes, range.key.offset);
}

void FetchedObjects::remove(const KeyedRange& range) {
  at(range.key.object).file.remove(range.key.offset, range.size);
}

}  // namespace ringtrain::storage
