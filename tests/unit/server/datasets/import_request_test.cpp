// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/import_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/datasets/fetch.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ParsedImport parse(const std::string& text) { return parse_import(ordered_json::parse(text)); }

std::vector<std::string> refused(const std::string& text) {
  std::vector<std::string> paths;
  for (const Refusal& one : parse(text).refusals) paths.push_back(one.path);
  return paths;
}

TEST(ImportRequest, BecomesTheWordsOfTheImporter) {
  const auto parsed = parse(R"({"name": "a", "kind": "csv", "files": {"file": {"upload": "u"},
      "test": {"url": "https://h/t.csv?key=1"}},
      "options": {"label": "-x", "class_names": ["a", "b"], "seed": 3, "one_class": true,
                  "test_share": 0.25}})");
  ASSERT_THAT(parsed.refusals, IsEmpty());
  EXPECT_EQ(parsed.request.files[1].name, "t.csv");
  EXPECT_THAT(
      import_words(parsed.request, {"f.csv", "t.csv"}, "out.h5"),
      ElementsAre("dataset", "import", "csv", "--test=t.csv", "--label=-x", "--test-share=0.25",
                  "--class-names=a,b", "--seed=3", "--one-class", "--output=out.h5", "f.csv"));
  const auto again = parse_import(to_json(parsed.request));
  EXPECT_THAT(again.refusals, IsEmpty());
  EXPECT_EQ(to_json(again.request), to_json(parsed.request));
}

TEST(ImportRequest, NamesAnObjectByItsWholeKey) {
  const auto parsed = parse(R"({"name": "a", "kind": "images",
      "files": {"source": {"url": "s3://pets/team/a?b#c.zip"}}})");
  EXPECT_EQ(parsed.request.files[0].name, "a?b#c.zip");
}

TEST(ImportRequest, LetsADatasetOfOurOwnBeVerified) {
  const auto parsed =
      parse(R"({"name": "a", "kind": "ringtrain", "files": {"file": {"path": "d.h5"}}})");
  ASSERT_THAT(parsed.refusals, IsEmpty());
  EXPECT_THAT(import_words(parsed.request, {"data.h5"}, "out.h5"),
              ElementsAre("dataset", "verify", "out.h5"));
}

TEST(ImportRequest, IsRefusedWithAllMistakesAtOnce) {
  EXPECT_THAT(refused(R"({"name": "A B", "kind": "zip"})"), ElementsAre("name", "kind"));
  EXPECT_THAT(refused(R"({"name": "a", "kind": "images", "more": 1})"),
              ElementsAre("more", "files.source"));
  EXPECT_THAT(refused(R"({"name": "a", "kind": "images", "files": {"source": {"upload": "u",
                          "url": "x"}, "test": {}}, "options": {"height": -1, "fit": "x",
                          "class_names": ["a,b"], "broken": "skip"}})"),
              ElementsAre("files.test", "files.source", "options.height", "options.fit",
                          "options.class_names"));
  EXPECT_THAT(refused(R"({"name": "a", "kind": "hdf5", "files": {"file": {"upload": "u"}},
                          "options": {"train_x": "x\ny"}})"),
              ElementsAre("options.train_x", "options.train_y"));
  EXPECT_THAT(refused(R"({"name": "a", "kind": "csv", "files": 3, "options": []})"),
              ElementsAre("files", "options"));
}

TEST(ImportKinds, NameWhatAFormNeeds) {
  for (const ordered_json& kind : import_kinds()) {
    EXPECT_FALSE(kind.at("text").get<std::string>().empty());
    EXPECT_FALSE(kind.at("files").empty()) << kind.at("kind");
  }
}

TEST(RefusalOfUrl, AllowsHttpsAndNamedPlacesAlone) {
  const std::set<std::string> allowed = {"10.0.0.2:8000", "here:80"};
  for (const char* const good :
       {"https://example.org/a.zip", "https://example.org", "https://[2001:db8::1]:8443/a",
        "http://10.0.0.2:8000/a", "http://here/a"}) {
    EXPECT_EQ(refusal_of_url(good, allowed), "") << good;
  }
  for (const char* const bad :
       {"http://example.org/a", "http://10.0.0.2/a", "ftp://example.org/a", "file:///etc/passwd",
        "https://", "https://user:word@example.org/", "https://10.0.0.2:8000@example.org/",
        "https://example.org/a b", "https://example.org/\n", "example.org", ""}) {
    EXPECT_NE(refusal_of_url(bad, allowed), "") << bad;
  }
  EXPECT_THAT(refusal_of_url("http://other:81/a", allowed), HasSubstr("--allow-source other:81"));
}

}  // namespace
}  // namespace ringtrain::server
