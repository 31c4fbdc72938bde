// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/shards.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <regex>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "base/text.hpp"
#include "datasets/importers/archive_reader.hpp"
#include "datasets/importers/csv_labels.hpp"
#include "datasets/importers/image_decoders.hpp"
#include "datasets/importers/image_size.hpp"
#include "datasets/importers/seeded_split.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMostClasses = 65536;
constexpr uint64_t kMostSized = 1000;  // images whose size is looked at
constexpr uint64_t kMostLabelBytes = 4096;
constexpr std::array<std::string_view, 3> kImages = {"jpg", "jpeg", "png"};

// Path up to the first dot of its last name, and what follows that dot.
struct Member {
  std::string key;
  std::string suffix;
};

Member member_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t dot = path.find('.', slash == std::string::npos ? 0 : slash + 1);
  if (dot == std::string::npos) return {path, ""};
  Member member{path.substr(0, dot), path.substr(dot + 1)};
  for (char& c : member.suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return member;
}

bool is_image(const std::string& suffix) {
  return std::find(kImages.begin(), kImages.end(), suffix) != kImages.end();
}

// The parts of a sample as they come. take: unpacks the bytes of the file at hand.
using Take = std::function<void(std::string& bytes)>;
struct Visit {
  std::function<void(uint64_t sample, const std::string& path, const Take& take)> image;
  std::function<void(uint64_t sample, const std::string& path, const Take& take)> label;
};

// Walks through the shards of a split, and checks that every sample has one image and one label.
class ShardWalk {
 public:
  ShardWalk(const std::vector<std::filesystem::path>& shards, std::string label_suffix,
            uint64_t limit)
      : shards_(shards), label_suffix_(std::move(label_suffix)), limit_(limit) {}

  // Returns the number of samples.
  uint64_t run(const Visit& visit) {
    samples_ = 0;
    for (const auto& shard : shards_) {
      if (limit_ > 0 && samples_ == limit_) break;
      walk(shard, visit);
    }
    return samples_;
  }

 private:
  void walk(const std::filesystem::path& shard, const Visit& visit) {
    shard_ = shard.string();
    key_.clear();
    ArchiveReader reader(shard_, {});
    reader.open_file(shard);
    while (reader.next([](const std::string&) {})) {
      const std::string& path = reader.path();
      const Member member = member_of(path);
      const bool image = is_image(member.suffix);
      if (!image && member.suffix != label_suffix_) continue;
      if (member.key != key_) {
        end_sample();
        if (limit_ > 0 && samples_ == limit_) return;
        key_ = member.key;
        images_ = labels_ = 0;
      }
      if (++(image ? images_ : labels_) > 1) {
        refuse(fmt::format("has two {}", image ? "images" : "labels"));
      }
      const std::string name = fmt::format("{}: {}", shard_, path);
      (image ? visit.image : visit.label)(samples_, name,
                                          [&](std::string& bytes) { reader.take(bytes); });
    }
    end_sample();
  }

  void end_sample() {
    if (key_.empty()) return;
    if (images_ == 0) refuse("has no .jpg, .jpeg or .png");
    if (labels_ == 0) refuse(fmt::format("has no .{}", label_suffix_));
    ++samples_;
    key_.clear();
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw data_error(
        fmt::format("{}: the sample '{}' {}", shard_, printable(key_.substr(0, 80)), why));
  }

  const std::vector<std::filesystem::path>& shards_;
  std::string label_suffix_;
  uint64_t limit_;
  uint64_t samples_ = 0;
  std::string shard_;
  std::string key_;  // of the sample at hand; empty: none
  int images_ = 0;
  int labels_ = 0;
};

// The first pass: labels of all samples, and sizes of some images.
class FirstPass {
 public:
  explicit FirstPass(const std::string& name) : name_(name) {}

  // Returns the number of each sample's label in `labels`.
  std::vector<int64_t> read(ShardWalk& shards) {
    std::vector<int64_t> of_samples;
    std::string bytes;
    Visit visit;
    visit.image = [&](uint64_t, const std::string&, const Take& take) {
      if (looked_at_ == kMostSized) return;
      ++looked_at_;
      take(bytes);
      sizes.add(bytes);
    };
    visit.label = [&](uint64_t sample, const std::string& path, const Take& take) {
      take(bytes);
      of_samples.resize(sample + 1);
      of_samples[sample] = number_of(std::string(trimmed(bytes)), path);
    };
    shards.run(visit);
    return of_samples;
  }

  CsvLabels labels;
  ImageSizeVotes sizes;

 private:
  int64_t number_of(const std::string& label, const std::string& path) {
    if (label.empty() || label.size() > kMostLabelBytes || label.find('\n') != std::string::npos) {
      throw data_error(fmt::format("{}: is not a line with a label", path));
    }
    const auto found = labels.words.find(label);
    if (found != labels.words.end()) return found->second;
    if (labels.words.size() == kMostClasses) {
      throw data_error(fmt::format("{}: more than {} classes", name_, kMostClasses));
    }
    const auto number = static_cast<int64_t>(labels.words.size());
    labels.words.emplace(label, number);
    return number;
  }

  const std::string& name_;
  uint64_t looked_at_ = 0;
};

// Makes classes of the numbers of labels.
void to_classes(std::vector<int64_t>& numbers, const CsvLabels& labels, const CsvClasses& classes) {
  std::vector<int64_t> class_of(labels.words.size());
  for (const auto& [word, number] : labels.words) {
    class_of[static_cast<size_t>(number)] = classes.label_of.at(word);
  }
  for (int64_t& number : numbers) number = class_of[static_cast<size_t>(number)];
}

// Replaces the first {000..012} by each of its numbers.
std::vector<std::string> expand_range(const std::string& pattern) {
  static const std::regex kRange(R"(\{(\d{1,9})\.\.(\d{1,9})\})");
  std::smatch found;
  if (!std::regex_search(pattern, found, kRange)) return {pattern};
  const size_t width = found[1].length();
  const uint64_t last = std::stoull(found[2]);
  constexpr uint64_t kMostShards = 1'000'000;
  std::vector<std::string> result;
  const uint64_t first = std::stoull(found[1]);
  if (last >= first + kMostShards) throw data_error(pattern + ": more than 1,000,000 shards");
  for (uint64_t i = first; i <= last; ++i) {
    result.push_back(
        fmt::format("{}{:0{}}{}", found.prefix().str(), i, width, found.suffix().str()));
  }
  return result;
}

}  // namespace

std::vector<std::filesystem::path> expand_shards(const std::string& pattern) {
  std::error_code none;
  if (std::filesystem::exists(pattern, none)) return {pattern};
  std::vector<std::filesystem::path> paths;
  for (const std::string& own : expand_range(pattern)) {
    glob_t matches{};
    const int result = ::glob(own.c_str(), GLOB_ERR, nullptr, &matches);
    const std::unique_ptr<glob_t, void (*)(glob_t*)> owner(&matches, ::globfree);
    if (result != 0) throw data_error(own + ": no such file, and none of that pattern");
    for (size_t i = 0; i < matches.gl_pathc; ++i) paths.emplace_back(matches.gl_pathv[i]);
  }
  return paths;
}

ImportedImages import_shards(const ShardSources& given, const std::filesystem::path& destination,
                             const ImportOptions& options) {
  ImageSources sources = given.images;
  const std::string name = sources.path.string();
  ShardWalk train(given.train, given.label_suffix, options.limit);
  ShardWalk test(given.test, given.label_suffix, 0);
  FirstPass first(name);
  std::vector<int64_t> train_labels = first.read(train);
  if (train_labels.empty()) throw data_error(name + ": holds no samples");
  const size_t trained = first.labels.words.size();
  require_two_classes(options, name, trained);
  std::vector<int64_t> test_labels = first.read(test);
  if (first.labels.words.size() != trained) {
    throw data_error(
        fmt::format("{}: has a class that no training sample has", given.test.front().string()));
  }
  const CsvClasses classes(first.labels);
  to_classes(train_labels, first.labels, classes);
  to_classes(test_labels, first.labels, classes);
  std::optional<SeededSplit> split;
  if (given.test.empty()) {
    split.emplace(train_labels, sources.test_share, options.shuffle_seed, name);
    if (options.keep_order) split->keep_order();
  }

  ImportedImages result;
  result.size_note = first.sizes.choose(sources);
  NewDataset dataset = new_dataset(options, name, ElementType::u8,
                                   {sources.channels, sources.height, sources.width});
  dataset.train_rows = split ? split->train_rows() : train_labels.size();
  dataset.test_rows = split ? split->test_rows() : test_labels.size();
  Writer writer(destination, dataset);
  writer.set_class_names(names_for(options, classes, name));
  ImageDecoders decoders(sources, writer);
  uint64_t done = 0;
  const auto copy = [&](Split own, ShardWalk& shards, const std::vector<int64_t>& labels) {
    std::string bytes;
    Visit visit;
    visit.label = [](uint64_t, const std::string&, const Take&) {};
    visit.image = [&](uint64_t sample, const std::string& path, const Take& take) {
      if (sample >= labels.size()) throw data_error(path + ": changed while it was read");
      SeededSplit::Place place{own, sample};
      if (split) place = (*split)(sample);
      take(bytes);
      decoders.add(path, {place.split, place.row, labels[sample]}, std::exchange(bytes, {}));
      if (options.progress) options.progress(++done, dataset.train_rows + dataset.test_rows);
    };
    shards.run(visit);
  };
  copy(Split::train, train, train_labels);
  copy(Split::test, test, test_labels);
  result.broken = decoders.finish();
  if (result.broken.count > 0) require_two_classes(options, name, decoders.classes());
  result.index = writer.finish();
  return result;
}

}  // namespace ringtrain::datasets
