// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/datasets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

class DatasetsTest : public testing::Test {
 protected:
  fs::path complete(const std::string& about = R"({"uuid": "u"})") {
    const fs::path made = folder_ / "made";
    fs::create_directory(made);
    write_file(made / "dataset.json", about);
    write_file(made / "data.h5", "data");
    return made;
  }

  const TemporaryDirectory folder_;
  Datasets datasets_{folder_ / "datasets"};
};

TEST_F(DatasetsTest, HasWhatItsFoldersHave) {
  datasets_.adopt(complete(), "one");
  EXPECT_EQ(datasets_.get("one").at("uuid"), "u");
  EXPECT_EQ(datasets_.list().size(), 1u);
  // Another server, after a folder was renamed by hand.
  fs::rename(folder_ / "datasets/one", folder_ / "datasets/two");
  fs::create_directory(folder_ / "datasets/.gone.1");
  Datasets again(folder_ / "datasets");
  EXPECT_EQ(again.list().at(0).at("name"), "two");
  EXPECT_FALSE(fs::exists(folder_ / "datasets/.gone.1"));
  EXPECT_EQ(status_of_refusal([&] { again.get("one"); }), 404);
}

TEST_F(DatasetsTest, TakesANameOnce) {
  datasets_.adopt(complete(), "one");
  const fs::path second = complete(R"({"uuid": "v"})");
  EXPECT_EQ(status_of_refusal([&] { datasets_.adopt(second, "one"); }), 409);
  EXPECT_EQ(datasets_.get("one").at("uuid"), "u");
}

TEST_F(DatasetsTest, DeletesForGood) {
  datasets_.adopt(complete(), "one");
  datasets_.remove("one");
  EXPECT_TRUE(fs::is_empty(folder_ / "datasets"));
  EXPECT_EQ(status_of_refusal([&] { datasets_.remove("one"); }), 404);
}

TEST_F(DatasetsTest, ListsTheOthersBesideOneThatIsDamaged) {
  datasets_.adopt(complete(), "one");
  datasets_.adopt(complete("{"), "broken");
  EXPECT_EQ(datasets_.list().size(), 1u);
  EXPECT_EQ(status_of_refusal([&] { datasets_.get("broken"); }), 409);
}

TEST_F(DatasetsTest, FindsByNamesAlone) {
  datasets_.adopt(complete(), "one");
  const fs::path all = folder_ / "datasets";
  EXPECT_EQ(find_stored_dataset(all, "one"), all / "one/data.h5");
  for (const char* const no : {"", "..", "one/", "../datasets/one", "two"}) {
    EXPECT_EQ(find_stored_dataset(all, no), "") << no;
  }
  EXPECT_EQ(find_stored_dataset("", "one"), "");
}

}  // namespace
}  // namespace ringtrain::server
