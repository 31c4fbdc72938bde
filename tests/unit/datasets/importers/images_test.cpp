// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/images.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "datasets/reading/open.hpp"
#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/archives.hpp"
#include "tests/unit/datasets/importers/pictures.hpp"

namespace ringtrain::datasets {
namespace {

using testing::ArchiveEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::jpeg;
using testing::Picture;
using testing::png;

Picture of_red(int red) {
  Picture picture;
  picture.red = red;
  return picture;
}

std::vector<ArchiveEntry> two_parts() {
  return {{"set/train/cat/1.jpg", jpeg(of_red(10))},  {"set/train/cat/2.PNG", png(of_red(20))},
          {"set/train/dog/1.jpeg", jpeg(of_red(30))}, {"set/test/dog/9.png", png(of_red(40))},
          {"set/train/dog/notes.txt", "no image"},    {"set/readme.md", "neither"}};
}

class Images : public ::testing::Test {
 protected:
  ImportedImages import(const std::filesystem::path& path, ImageSources sources = {},
                        uint64_t seed = 0) {
    sources.path = path;
    if (sources.height == 0) sources.height = sources.width = 8;
    ImportOptions options;
    options.shuffle_seed = seed;
    options.one_class = one_class_;
    options.class_names = class_names_;
    return import_images(sources, results_ / "set.h5", options);
  }
  std::filesystem::path folder(const std::vector<ArchiveEntry>& entries) {
    const std::string name = "folder" + std::to_string(folders_++);
    for (const ArchiveEntry& entry : entries) sources_.write(name + "/" + entry.path, entry.bytes);
    return sources_ / name;
  }
  std::string refusal(const std::vector<ArchiveEntry>& entries, const ImageSources& sources = {}) {
    const auto path = folder(entries);
    return testing::import_refusal(results_ / "set.h5", [&] { import(path, sources); });
  }
  // The first channel's first pixel of each row.
  static std::vector<int> reds(const DatasetIndex& index, Split split) {
    std::vector<int> result;
    for (const auto& row : testing::source_rows(index, split)) {
      result.push_back(testing::bytes_of(row)[0]);
    }
    return result;
  }

  TemporaryDirectory sources_;
  TemporaryDirectory results_;
  int folders_ = 0;
  bool one_class_ = false;
  std::vector<std::string> class_names_;
};

TEST_F(Images, ReadsAFolderAndArchivesAlike) {
  const DatasetIndex index = import(folder(two_parts())).index;
  EXPECT_EQ(index.shape, (Shape{3, 8, 8}));
  EXPECT_THAT(index.class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(index.train.rows, 3U);
  EXPECT_EQ(index.test.rows, 1U);
  EXPECT_THAT(reds(index, Split::test), ElementsAre(40));
  EXPECT_EQ(testing::source_rows(index, Split::test)[0].label, 1);
  for (const char* kind : {"tar", "tar.gz", "zip"}) {
    const auto archive = sources_.write("archive", testing::archive_of(kind, two_parts()));
    const DatasetIndex packed = import(archive).index;
    EXPECT_EQ(packed.class_names, index.class_names);
    EXPECT_THAT(
        reds(packed, Split::train),
        ElementsAre(::testing::Le(13), 20, ::testing::AllOf(::testing::Ge(27), ::testing::Le(33))))
        << kind;
  }
}

TEST_F(Images, BringsEveryPictureToOneSize) {
  Picture wide = of_red(60);
  wide.width = 100;
  Picture grey;
  grey.channels = 1;
  grey.red = 77;
  Picture small = of_red(90);
  small.width = small.height = 3;
  Picture progressive = of_red(120);
  progressive.progressive = true;
  const std::vector<ArchiveEntry> entries = {{"a/1.png", png(wide)},
                                             {"a/2.png", png(grey)},
                                             {"b/3.png", png(small)},
                                             {"b/4.jpg", jpeg(progressive)}};
  const auto path = folder(entries);
  for (const Fit fit : {Fit::crop, Fit::stretch}) {
    for (const int64_t channels : {1, 3}) {
      ImageSources sources;
      sources.fit = fit;
      sources.channels = channels;
      const DatasetIndex index = import(path, sources).index;
      EXPECT_EQ(index.train.rows + index.test.rows, 4U);
      // A flat picture stays flat, whatever is done to its size.
      for (const Split split : {Split::train, Split::test}) {
        for (const auto& row : testing::source_rows(index, split)) {
          const auto bytes = testing::bytes_of(row);
          const std::set<int> first(bytes.begin(), bytes.begin() + 64);
          EXPECT_LE(*first.rbegin() - *first.begin(), 2);
        }
      }
    }
  }
}

TEST_F(Images, SplitsBySeedWhenThereIsNoTestPart) {
  std::vector<ArchiveEntry> entries;
  for (int i = 0; i < 20; ++i) {
    entries.push_back(
        {"c" + std::to_string(i % 2) + "/" + std::to_string(i) + ".png", png(of_red(i))});
  }
  const auto path = folder(entries);
  const auto test_of = [&](uint64_t seed) {
    const DatasetIndex index = import(path, {}, seed).index;
    EXPECT_EQ(index.train.rows, 18U);
    std::set<int> all;
    for (const Split split : {Split::train, Split::test}) {
      for (const int red : reds(index, split)) all.insert(red);
    }
    EXPECT_EQ(all.size(), 20U);
    return reds(index, Split::test);
  };
  const auto first = test_of(1);
  EXPECT_EQ(test_of(1), first);
  EXPECT_NE(test_of(2), first);
}

TEST_F(Images, TakesValAsTheTestPartWhenThereIsNoOther) {
  const std::string bytes = png(of_red(1));
  const DatasetIndex index =
      import(folder({{"train/a/1.png", bytes}, {"train/b/1.png", bytes}, {"val/a/1.png", bytes}}))
          .index;
  EXPECT_EQ(index.test.rows, 1U);
  one_class_ = true;
  const DatasetIndex both = import(folder({{"train/a/1.png", bytes},
                                           {"val/a/1.png", bytes},
                                           {"test/a/1.png", bytes},
                                           {"test/a/2.png", bytes}}))
                                .index;
  EXPECT_EQ(both.train.rows, 1U);
  EXPECT_EQ(both.test.rows, 2U);
}

TEST_F(Images, CountsNamesAndSkipsBrokenImagesOrRefusesThem) {
  auto entries = two_parts();
  const std::string whole = jpeg(of_red(1));
  entries.push_back({"set/train/cat/cut.jpg", whole.substr(0, whole.size() / 2)});
  entries.push_back({"set/train/dog/text.png", "no PNG"});
  EXPECT_THAT(refusal(entries), HasSubstr("--broken skip leaves such images out"));
  ImageSources sources;
  sources.skip_broken = true;
  const ImportedImages result = import(folder(entries), sources);
  EXPECT_EQ(result.broken.count, 2U);
  EXPECT_THAT(result.broken.examples,
              ElementsAre(HasSubstr("cat/cut.jpg: damaged JPEG"),
                          HasSubstr("dog/text.png: neither a JPEG nor a PNG")));
  EXPECT_EQ(result.index.train.rows, 3U);
  EXPECT_EQ(open_dataset(results_ / "set.h5").train.rows, 3U);
}

TEST_F(Images, SaysWhatIsLeftOutByClassAndWhy) {
  const std::string bytes = png(of_red(1));
  const auto path = folder({{"train/cat/1.png", bytes},
                            {"train/cat/2.bmp", "BM"},
                            {"train/cat/3.BMP", "BM"},
                            {"train/cat/.4.png", bytes},
                            {"train/cat/deep/5.txt", "x"},
                            {"train/cat/.DS_Store", "x"},
                            {"train/dog/1.png", bytes},
                            {"train/fox/1.webp", "RIFF"},
                            {"train/.owl/1.png", bytes},
                            {"val/cat/1.png", bytes},
                            {"test/cat/1.png", bytes},
                            {"about.md", "x"}});
  std::filesystem::create_directories(path / "train" / "hen");
  std::filesystem::create_directory_symlink(path / "train" / "cat", path / "train" / "lynx");
  const std::string at = path.string();
  EXPECT_THAT(
      import(path).left_out,
      ElementsAre(
          at + ": left out 1 .md file",
          at + "/train: left out the hidden folder .owl, the linked folder "
               "lynx",
          at + "/train/cat: left out 2 .bmp files, 1 .txt file, 1 hidden file; convert .bmp "
               "to JPEG or PNG",
          at + "/train/fox: left out 1 .webp file; convert .webp to JPEG or PNG; no image is "
               "left",
          at + "/train/hen: has no images",
          at + "/val/cat: left out 1 image file (test/ is the test split)"));
  EXPECT_THAT(import(folder(two_parts())).left_out, ::testing::SizeIs(2));
}

TEST_F(Images, RefusesOneClassUnlessAsked) {
  const std::string bytes = png(of_red(1));
  const std::vector<ArchiveEntry> entries = {
      {"cat/1.png", bytes}, {"cat/2.png", bytes}, {"dog/1.bmp", "BM"}, {"dog/2.bmp", "BM"}};
  EXPECT_THAT(refusal(entries), ::testing::AllOf(HasSubstr("the same class; --one-class"),
                                                 HasSubstr("/dog: left out 2 .bmp files")));
  EXPECT_THAT(refusal({{"cat/1.bmp", "BM"}}),
              HasSubstr("holds no JPEG or PNG files: left out 1 .bmp file; convert .bmp to"));
  one_class_ = true;
  EXPECT_EQ(import(folder(entries)).index.class_names.size(), 1U);
}

TEST_F(Images, TakesOrRefusesClassNames) {
  class_names_ = {"a cat", "a dog"};
  EXPECT_THAT(import(folder(two_parts())).index.class_names, ElementsAre("a cat", "a dog"));
  std::filesystem::remove(results_ / "set.h5");
  class_names_ = {"one"};
  EXPECT_THAT(refusal(two_parts()), HasSubstr("--class-names: has 1 name, but"));
}

TEST_F(Images, TakesTheSizeOfMostImagesIfItIsSmall) {
  const auto imported = [&](int width, int height, int other) {
    std::vector<ArchiveEntry> entries;
    for (int i = 0; i < 9; ++i) {
      Picture picture = of_red(i);
      picture.width = i < 6 ? width : other + i;
      picture.height = height;
      entries.push_back({fmt::format("c{}/{}.png", i % 2, i), png(picture)});
    }
    ImportedImages result = import_images({.path = folder(entries)}, results_ / "set.h5", {});
    return std::pair(result.index.shape, result.size_note);
  };
  const auto [small, small_note] = imported(64, 48, 80);
  EXPECT_EQ(small, (Shape{3, 48, 64}));
  EXPECT_EQ(small_note,
            "samples are 48 x 64 (height x width), since most images have 48 x 64; "
            "--height and --width choose");
  const auto [large, large_note] = imported(225, 48, 80);
  EXPECT_EQ(large, (Shape{3, 224, 224}));
  EXPECT_THAT(large_note, HasSubstr("224 x 224 (height x width), since most images have 48 x 225"));
  const ImageSources given{
      .path = folder({{"a/1.png", png(of_red(1))}, {"b/1.png", png(of_red(2))}}), .height = 9};
  const ImportedImages chosen = import_images(given, results_ / "set.h5", {});
  EXPECT_EQ(chosen.index.shape, (Shape{3, 9, 224}));
  EXPECT_EQ(chosen.size_note, "");
}

TEST_F(Images, RefusesPicturesThatWouldFillTheMemory) {
  // A header that promises 2^32 pixels, in front of nothing.
  std::string huge = png(of_red(1));
  huge.replace(16, 8, std::string("\0\1\0\0\0\1\0\0", 8));
  EXPECT_THAT(refusal({{"a/1.png", huge}, {"b/2.png", png(of_red(1))}}), HasSubstr("a/1.png: "));
  std::string tall = jpeg(of_red(1));
  const size_t frame = tall.find(std::string("\xff\xc0", 2));
  tall.replace(frame + 5, 4, "\xea\x60\xea\x60");  // 60,000 squared
  EXPECT_THAT(refusal({{"a/1.jpg", tall}, {"b/2.png", png(of_red(1))}}),
              HasSubstr("more than 2^26 pixels"));
}

TEST_F(Images, RefusesLayoutsThatSayNoClass) {
  const std::string bytes = png(of_red(1));
  EXPECT_THAT(refusal({{"readme.txt", "x"}}), HasSubstr("holds no JPEG or PNG files"));
  EXPECT_THAT(refusal({{"a/1.png", bytes}, {"2.png", bytes}}),
              HasSubstr("2.png lies in no class folder"));
  EXPECT_THAT(refusal({{"test/a/1.png", bytes}, {"val/a/1.png", bytes}}), HasSubstr("no train/"));
  EXPECT_THAT(refusal({{"train/a/1.png", bytes}, {"test/b/1.png", bytes}}),
              HasSubstr("the test class b has no training images"));
  ImageSources none;
  none.channels = 2;
  EXPECT_THAT(refusal({{"a/1.png", bytes}}, none), HasSubstr("images have 1 or 3"));
}

TEST_F(Images, RefusesArchivesThatLeadOut) {
  const auto archive = sources_.write(
      "archive", testing::archive_of("tar", {{"a/1.png", png(of_red(1))}, {"../b/2.png", "x"}}));
  EXPECT_THAT(testing::import_refusal(results_ / "set.h5", [&] { import(archive); }),
              HasSubstr("'../b/2.png' leads outside the archive"));
}

}  // namespace
}  // namespace ringtrain::datasets
