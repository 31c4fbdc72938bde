// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/file_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/datasets/fixtures.hpp"
#include "tests/unit/datasets/importers/archives.hpp"

namespace ringtrain::datasets {
namespace {

using testing::archive_of;
using testing::ArchiveEntry;
using testing::data_refusal;
using ::testing::HasSubstr;

using Contents = std::map<std::string, std::string>;

Contents contents_of(const FileTree& tree) {
  Contents contents;
  tree.read([](const std::string&, uint64_t) { return true; },
            [&](const std::string& path, uint64_t, std::string& bytes) {
              contents.emplace(path, std::move(bytes));
            });
  return contents;
}

std::string refusal(const std::string& archive, ArchiveLimits limits = {}) {
  const std::string message =
      data_refusal([&] { contents_of(FileTree("a.tar", archive, limits)); });
  EXPECT_THAT(message, ::testing::StartsWith("a.tar: "));
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message;
}

const std::vector<ArchiveEntry> kFiles = {
    {"set/cat/1.jpg", "one"}, {"./set/dog/2.jpg", std::string(100000, 'x')}, {"set/empty", ""}};
const Contents kContents = {
    {"set/cat/1.jpg", "one"}, {"set/dog/2.jpg", std::string(100000, 'x')}, {"set/empty", ""}};

TEST(FileTree, IsTheSameForAFolderAndEveryArchive) {
  const TemporaryDirectory directory;
  for (const auto& [path, bytes] : kContents) directory.write("folder/" + path, bytes);
  EXPECT_EQ(contents_of(FileTree(directory / "folder")), kContents);
  for (const char* kind : {"tar", "tar.gz", "zip"}) {
    const std::string archive = archive_of(kind, kFiles);
    EXPECT_EQ(contents_of(FileTree("memory", archive)), kContents) << kind;
    EXPECT_EQ(contents_of(FileTree(directory.write("file", archive))), kContents) << kind;
  }
}

TEST(FileTree, LeavesHiddenFilesOfAFolderOut) {
  const TemporaryDirectory directory;
  directory.write("folder/.git/config", "x");
  directory.write("folder/.DS_Store", "x");
  directory.write("folder/a", "x");
  EXPECT_EQ(contents_of(FileTree(directory / "folder")), (Contents{{"a", "x"}}));
}

TEST(FileTree, RefusesPathsThatLeadOut) {
  for (const char* kind : {"tar", "zip"}) {
    for (const char* path : {"../x", "/etc/passwd", "a/../../x", "a/..", "..", "a\\..\\x"}) {
      EXPECT_THAT(refusal(archive_of(kind, {{path, "x"}})), HasSubstr("leads outside the archive"))
          << kind << " " << path;
    }
  }
}

TEST(FileTree, RefusesLinksAndDevices) {
  EXPECT_THAT(refusal(archive_of("tar", {{"a", "", "/etc/passwd"}})), HasSubstr("'a' is a link"));
  EXPECT_THAT(refusal(archive_of("zip", {{"a", "", "/etc/passwd"}})), HasSubstr("'a' is a link"));
  EXPECT_THAT(refusal(archive_of("tar", {{"a", "x"}, {"b", "", "", "a"}})),
              HasSubstr("'b' is a link"));
  for (const unsigned type : {AE_IFCHR, AE_IFBLK, AE_IFIFO}) {
    EXPECT_THAT(refusal(archive_of("tar", {{"a", "", "", "", type}})),
                HasSubstr("'a' is not a regular file"));
  }
}

TEST(FileTree, RefusesBombs) {
  const std::string zeros(40 << 20, '\0');
  EXPECT_THAT(refusal(archive_of("zip", {{"a", zeros}}), {10, 1 << 20}),
              HasSubstr("'a' is larger than 1048576 bytes"));
  EXPECT_THAT(refusal(archive_of("tar", {{"a", ""}, {"b", ""}, {"c", ""}}), {2, 1 << 20}),
              HasSubstr("more than 2 entries"));
}

TEST(FileTree, RefusesDamage) {
  EXPECT_THAT(refusal("no archive at all"), HasSubstr("neither a folder nor an archive"));
  for (const char* kind : {"tar", "tar.gz", "zip"}) {
    const std::string whole = archive_of(kind, {{"a", std::string(100000, 'x')}, {"b", "y"}});
    EXPECT_NE(refusal(whole.substr(0, whole.size() / 3)), "") << kind;
  }
  std::string flipped = archive_of("zip", {{"a", "some text that has a checksum"}});
  const size_t packed_at =
      30 + 1 + static_cast<size_t>(flipped[28]) + 4;  // in the middle of the deflated text
  flipped[packed_at] = static_cast<char>(flipped[packed_at] ^ 1);
  EXPECT_THAT(refusal(flipped), HasSubstr("damaged at 'a'"));
}

TEST(FileTree, NamesWhatIsMissing) {
  EXPECT_THAT(data_refusal([] { FileTree("/nowhere/at/all"); }),
              HasSubstr("/nowhere/at/all: cannot open: No such file"));
}

TEST(FileTree, PrintsNoControlCharactersOfAnArchive) {
  const std::string message = refusal(archive_of("tar", {{"../\x1b[31m\nred", "x"}}));
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ringtrain::datasets
