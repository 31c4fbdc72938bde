// SPDX-License-Identifier: Apache-2.0
#include "server/store/index.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.hpp"
#include "server/store/database.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class IndexTest : public testing::Test {
 protected:
  static IndexRow row(const std::string& name, const std::string& state, int second) {
    return {name, state, fmt::format("2026-01-01T00:00:{:02}Z", second),
            fmt::format("{{\"name\":\"{}\",\"model\":\"100%_net\"}}", name), "{}"};
  }
  // Fills an index with job-00 to job-24, of which every third has succeeded.
  void fill() const {
    Index index(file_);
    for (int i = 0; i < 25; ++i) {
      index.put(row(fmt::format("job-{:02}", i), i % 3 == 0 ? "Succeeded" : "Queued", i));
    }
    std::map<std::string, Series> series;
    series["loss"].add(1, 2, 3);
    index.put(row("job-00", "Succeeded", 0), &series);
    index.commit();
  }
  void overwrite(size_t at, const std::string& bytes) const {
    std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream << bytes;
  }

  const TemporaryDirectory folder_;
  const std::filesystem::path file_ = folder_ / "index.db";
};

TEST_F(IndexTest, KeepsRowsAndSeriesForTheNextStart) {
  fill();
  {
    Index index(file_);
    const auto found = index.get("job-03");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state, "Succeeded");
    EXPECT_EQ(index.series("job-00").at("loss").buckets().size(), 1u);
    EXPECT_THAT(index.series("job-03"), IsEmpty());
    EXPECT_EQ(index.states().size(), 25u);
    index.remove("job-03");
    index.commit();
  }
  EXPECT_FALSE(Index(file_).get("job-03"));
}

TEST_F(IndexTest, ListsInPagesThatCoverEachRowOnce) {
  fill();
  Index index(file_);
  for (const bool by_name : {false, true}) {
    ListQuery query{.by_name = by_name, .limit = 10};
    std::vector<std::string> all;
    for (int pages = 0; pages == 0 || !query.after.empty(); ++pages) {
      const ListPage page = index.list(query);
      EXPECT_EQ(page.total, 25u);
      for (const ListedJob& row : page.rows) all.push_back(row.text);
      query.after = page.next;
    }
    ASSERT_EQ(all.size(), 25u);
    EXPECT_THAT(all.front(), HasSubstr(by_name ? "job-00" : "job-24"));
    EXPECT_THAT(all.back(), HasSubstr(by_name ? "job-24" : "job-00"));
  }
}

TEST_F(IndexTest, FiltersByStateAndByWordsAsTheyAre) {
  fill();
  Index index(file_);
  EXPECT_EQ(index.list({.states = {"Succeeded"}}).total, 9u);
  EXPECT_EQ(index.count_by_state().at("Succeeded"), 9);
  EXPECT_EQ(index.list({.states = {"Succeeded", "Queued"}}).total, 25u);
  EXPECT_EQ(index.list({.words = "JOB-1 net"}).total, 10u);
  EXPECT_EQ(index.list({.words = "100%_net"}).total, 25u);
  EXPECT_EQ(index.list({.words = "100x_net"}).total, 0u);
  EXPECT_EQ(index.list({.words = "' OR 1=1 --"}).total, 0u);
  EXPECT_EQ(index.list({.after = "'; DROP TABLE jobs"}).total, 25u);
}

TEST_F(IndexTest, IsReplacedWhereItIsNoDatabase) {
  folder_.write("index.db", "this is no database, whatever its name says");
  OpenedIndex opened = open_index(file_);
  EXPECT_THAT(opened.note, HasSubstr("is rebuilt from the folders"));
  EXPECT_THAT(opened.index->states(), IsEmpty());
  EXPECT_THAT(read_file(file_.string() + ".damaged"), HasSubstr("no database"));
}

TEST_F(IndexTest, IsReplacedWhereItIsCutOrOfAnotherVersion) {
  fill();
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2 + 100);
  EXPECT_THAT(open_index(file_).note, HasSubstr("is rebuilt"));
  EXPECT_THAT(open_index(file_).note, "");
  { Database(file_).execute("PRAGMA user_version=77"); }
  OpenedIndex opened = open_index(file_);
  EXPECT_THAT(opened.note, HasSubstr("its version is 77"));
}

TEST_F(IndexTest, NeverReturnsARowWhoseBytesHaveChanged) {
  fill();
  const std::string bytes = read_file(file_);
  const size_t at = bytes.find("100%_net");
  ASSERT_NE(at, std::string::npos);
  for (size_t next = at; next != std::string::npos; next = bytes.find("100%_net", next + 1)) {
    overwrite(next, "200%");
  }
  Index index(file_);
  EXPECT_THROW(index.list({}), DatabaseDamaged);
  EXPECT_THROW(index.get("job-01"), DatabaseDamaged);
}

}  // namespace
}  // namespace ringtrain::server
