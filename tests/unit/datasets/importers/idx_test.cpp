// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/idx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>

#include "datasets/reading/reader.hpp"
#include "tests/unit/datasets/fixtures.hpp"

namespace ringtrain::datasets {
namespace {

using testing::data_refusal;
using ::testing::HasSubstr;

std::string header(std::initializer_list<uint32_t> dims, char type = 0x08) {
  std::string bytes{'\0', '\0', type, static_cast<char>(dims.size())};
  for (const uint32_t dim : dims) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(dim >> shift);
  }
  return bytes;
}

std::string images(uint32_t count) {
  std::string bytes = header({count, 4, 5});
  for (uint32_t i = 0; i < count; ++i) {
    for (const std::byte b : testing::row_bytes({1, 4, 5}, ElementType::u8, i)) {
      bytes += static_cast<char>(b);
    }
  }
  return bytes;
}

std::string labels(uint32_t count) {
  std::string bytes = header({count});
  for (uint32_t i = 0; i < count; ++i) bytes += static_cast<char>(testing::row_label(i));
  return bytes;
}

struct Inputs {
  std::string train_images = images(100);
  std::string train_labels = labels(100);
  std::string test_images = images(30);
  std::string test_labels = labels(30);
};

DatasetIndex import(const Inputs& inputs, const std::filesystem::path& destination) {
  const auto a = memory_source("train-images", inputs.train_images);
  const auto b = memory_source("train-labels", inputs.train_labels);
  const auto c = memory_source("test-images", inputs.test_images);
  const auto d = memory_source("test-labels", inputs.test_labels);
  return import_idx({*a, *b, c.get(), d.get()}, destination, {});
}

TEST(Idx, ImportsEveryImageWithItsLabel) {
  const TemporaryDirectory directory;
  const DatasetIndex index = import({}, directory / "set.h5");
  EXPECT_EQ(index.shape, (Shape{1, 4, 5}));
  EXPECT_EQ(index.train.rows, 100U);
  EXPECT_EQ(index.test.rows, 30U);
  EXPECT_EQ(index.class_names.size(), 10U);
  ReaderOptions options;
  options.batch_size = 100;
  options.shuffle = false;
  Reader reader(index, Split::train, options);
  reader.start(0);
  const Permutation shuffle(100, mix(index.shuffle_seed, 0));
  const Batch* batch = reader.next();
  for (uint32_t i = 0; i < 100; ++i) {
    const uint64_t row = shuffle.inverse(i);
    const auto bytes = testing::row_bytes(index.shape, ElementType::u8, row);
    EXPECT_EQ(std::memcmp(batch->x + i * 20, bytes.data(), 20), 0);
    EXPECT_EQ(batch->y[i], testing::row_label(row));
  }
}

TEST(Idx, ReadsGzippedFilesToo) {
  const TemporaryDirectory directory;
  const Inputs inputs;
  const auto pack = [&](const std::string& name, const std::string& bytes) {
    gzFile file = gzopen((directory / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return open_source(directory / name);
  };
  testing::write_file(directory / "plain", inputs.test_labels);
  const auto a = pack("a.gz", inputs.train_images);
  const auto b = pack("b.gz", inputs.train_labels);
  const auto c = pack("c.gz", inputs.test_images);
  const auto d = open_source(directory / "plain");
  const DatasetIndex packed = import_idx({*a, *b, c.get(), d.get()}, directory / "packed.h5", {});
  const DatasetIndex plain = import(inputs, directory / "plain.h5");
  EXPECT_EQ(packed.uuid, plain.uuid);

  std::string cut = testing::read_file(directory / "a.gz");
  testing::write_file(directory / "cut.gz", std::string_view(cut).substr(0, cut.size() / 2));
  const auto e = open_source(directory / "cut.gz");
  const auto f = open_source(directory / "b.gz");
  const auto g = open_source(directory / "c.gz");
  const auto h = open_source(directory / "plain");
  EXPECT_THAT(data_refusal([&] {
                import_idx({*e, *f, g.get(), h.get()}, directory / "cut.h5", {});
              }),
              HasSubstr("cut.gz: damaged gzip file"));
  EXPECT_FALSE(std::filesystem::exists(directory / "cut.h5"));
}

TEST(Idx, RefusesEverythingElseInOneLine) {
  const TemporaryDirectory directory;
  const auto refused = [&](auto&& change) {
    Inputs inputs;
    change(inputs);
    const std::string message = data_refusal([&] { import(inputs, directory / "set.h5"); });
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path())) << message;
    return message;
  };
  EXPECT_THAT(refused([](Inputs& i) {
                i.train_images = header({4000000000, 28, 28});
              }),
              HasSubstr("train-images: its header promises 4000000000 rows"));
  EXPECT_THAT(refused([](Inputs& i) {
                i.train_images = header({~0U, ~0U, ~0U, ~0U}) + "xx";
              }),
              HasSubstr("more than the file can hold"));
  EXPECT_THAT(refused([](Inputs& i) { i.train_labels = header({~0U}); }), HasSubstr("promises"));
  EXPECT_THAT(refused([](Inputs& i) { i.train_images = "GIF89a and so on"; }),
              HasSubstr("train-images: not an IDX file"));
  EXPECT_THAT(refused([](Inputs& i) { i.train_images = ""; }),
              HasSubstr("train-images: ends after 0"));
  EXPECT_THAT(refused([](Inputs& i) {
                i.train_images = header({2, 2, 2}, 0x0d);
              }),
              HasSubstr("only unsigned bytes"));
  EXPECT_THAT(refused([](Inputs& i) { std::swap(i.train_images, i.train_labels); }),
              HasSubstr("are the files swapped?"));
  EXPECT_THAT(refused([](Inputs& i) { i.train_labels = labels(99); }), HasSubstr("99 labels"));
  EXPECT_THAT(refused([](Inputs& i) { i.test_images += 'x'; }),
              HasSubstr("bytes after the last row"));
  EXPECT_THAT(refused([](Inputs& i) { i.test_labels += 'x'; }),
              HasSubstr("bytes after the last row"));
  EXPECT_THAT(refused([](Inputs& i) { i.train_images.pop_back(); }), HasSubstr("promises"));
  EXPECT_THAT(refused([](Inputs& i) {
                i.train_images = header({100, 0, 5});
              }),
              HasSubstr("is zero"));
  EXPECT_THAT(refused([](Inputs& i) {
                i.test_images = header({30, 5, 4}) + i.test_images.substr(16);
              }),
              HasSubstr("different sizes"));
}

}  // namespace
}  // namespace ringtrain::datasets
