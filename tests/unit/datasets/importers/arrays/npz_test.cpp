// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/npz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/datasets/contents.hpp"
#include "tests/unit/datasets/importers/archives.hpp"
#include "tests/unit/datasets/importers/arrays/npy_bytes.hpp"

namespace ringtrain::datasets {
namespace {

using testing::archive_of;
using testing::ArchiveEntry;
using testing::as_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::import_refusal;
using testing::npy;

const std::string kX = npy("'|u1'", "3, 2", "abcdef");
const std::string kY = npy("'<i8'", "3,", as_bytes<int64_t>({2, 0, 1}));

class NpzTest : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& bytes) {
    testing::write_file(sources_ / "a.npz", bytes);
    return sources_ / "a.npz";
  }
  DatasetIndex import(const std::filesystem::path& path, const ArrayNames& given = {}) {
    const Npz archive(path);
    const ArrayNames names = archive.find(given);
    const auto open = [&](const std::string& name) {
      return name.empty() ? nullptr : archive.open(name);
    };
    const auto a = open(names.train_x);
    const auto b = open(names.train_y);
    const auto c = open(names.test_x);
    const auto d = open(names.test_y);
    return import_arrays({a.get(), b.get(), c.get(), d.get(), 0}, results_ / "set.h5", {});
  }
  std::string refusal(const std::string& bytes, const ArrayNames& given = {}) {
    const auto path = write(bytes);
    return import_refusal(results_ / "set.h5", [&] { import(path, given); });
  }
  std::string refusal(const std::vector<ArchiveEntry>& entries, const ArrayNames& given = {}) {
    return refusal(archive_of("zip", entries), given);
  }

  TemporaryDirectory sources_;
  TemporaryDirectory results_;
};

TEST_F(NpzTest, ReadsArraysByTheirUsualNames) {
  const DatasetIndex one = import(write(archive_of("zip", {{"y.npy", kY}, {"x.npy", kX}})));
  EXPECT_EQ(one.train.rows, 3U);
  EXPECT_EQ(one.test.rows, 0U);
  const auto rows = testing::source_rows(one, Split::train);
  EXPECT_THAT(testing::bytes_of(rows[1]), ElementsAre('c', 'd'));
  EXPECT_EQ(rows[1].label, 0);
  const DatasetIndex both = import(write(archive_of(
      "zip", {{"x_test.npy", kX}, {"x_train.npy", kX}, {"y_train.npy", kY}, {"y_test.npy", kY}})));
  EXPECT_EQ(both.test.rows, 3U);
}

TEST_F(NpzTest, ReadsArraysByNamesThatAreGiven) {
  const auto path =
      write(archive_of("zip", {{"arr_0.npy", kX}, {"arr_1.npy", kY}, {"notes.txt", "none"}}));
  EXPECT_THAT(Npz(path).names(), ElementsAre("arr_0", "arr_1"));
  EXPECT_EQ(import(path, {"arr_0", "arr_1", "", ""}).train.rows, 3U);
}

TEST_F(NpzTest, ListsTheArraysWhereNoneFits) {
  const std::vector<ArchiveEntry> entries = {{"a\x1b.npy", kX}, {"labels.npy", kY}};
  EXPECT_THAT(refusal(entries),
              HasSubstr("a.npz: holds a\\x1b, labels: name samples and labels with --train-x and"));
  EXPECT_THAT(refusal(entries, {"images", "labels", "", ""}),
              HasSubstr("a.npz: has no array 'images', but a\\x1b, labels"));
  EXPECT_EQ(refusal(entries, {"images", "", "", ""}), "--train-x and --train-y belong together");
  EXPECT_EQ(refusal(entries, {"a", "b", "c", ""}), "--test-x and --test-y belong together");
}

TEST_F(NpzTest, RefusesWhatIsNoArchive) {
  EXPECT_THAT(refusal(kX), HasSubstr("a single array: ringtrain dataset import npy"));
  EXPECT_THAT(refusal(std::string("\x80\x04.")), HasSubstr("a.npz: not a .npz archive"));
  EXPECT_THAT(refusal(std::string()), HasSubstr("a.npz: not a .npz archive"));
  EXPECT_THAT(refusal({{"a.txt", "x"}}), HasSubstr("a.npz: holds no .npy arrays"));
  EXPECT_THAT(refusal({{"x.npy", kX}, {"x.npy", kX}}), HasSubstr("holds the array x twice"));
  EXPECT_THAT(refusal({{"../x.npy", kX}}), HasSubstr("leads outside the archive"));
}

TEST_F(NpzTest, RefusesDamageAndCuts) {
  std::string whole = archive_of("zip", {{"x.npy", kX}, {"y.npy", kY}});
  for (const double part : {0.1, 0.5, 0.9}) {
    const auto size = static_cast<size_t>(static_cast<double>(whole.size()) * part);
    EXPECT_NE(refusal(whole.substr(0, size)), "") << part;
  }
}

TEST_F(NpzTest, RefusesArraysThatPromiseTheWorldOrRunCode) {
  const std::string huge = npy("'|u1'", "1099511627776, 2", "abcdef");
  EXPECT_THAT(refusal({{"x.npy", huge}, {"y.npy", kY}}),
              HasSubstr("a.npz: x: its header promises 1099511627776 rows, more than the file"));
  EXPECT_THAT(refusal({{"x.npy", kX}, {"y.npy", npy("'|O'", "3,", "\x80\x04.")}}),
              HasSubstr("a.npz: y: an array of Python objects"));
  EXPECT_THAT(refusal({{"x.npy", npy("'<U5'", "3, 2", "")}, {"y.npy", kY}}),
              HasSubstr("a.npz: x: has the type '<U5'"));
  EXPECT_THAT(refusal({{"x.npy", kX + "more"}, {"y.npy", kY}}),
              HasSubstr("a.npz: x: has bytes after the last row"));
  EXPECT_THAT(
      refusal({{"x.npy", kX}, {"y.npy", npy("'<i8'", "3,", as_bytes<int64_t>({0, -1, 1}))}}),
      HasSubstr("a.npz: y: row 1 has the label -1"));
}

}  // namespace
}  // namespace ringtrain::datasets
