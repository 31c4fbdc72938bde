// SPDX-License-Identifier: Apache-2.0
#include "server/uploads/uploads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/file.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class UploadsTest : public testing::Test {
 protected:
  Upload begin(uint64_t length) {
    return uploads_->create({.name = "a.csv", .length = length, .by = "owner"});
  }
  void send(const std::string& id, uint64_t offset, const std::string& bytes) {
    const auto writer = uploads_->open(id, offset);
    writer->take(bytes);
    writer->finish();
  }
  std::string stored(const std::string& id) { return read_file(uploads_->data(id)); }
  // As after the death of the server.
  void open_again() {
    uploads_.reset();
    uploads_.emplace(folder_ / "uploads");
  }

  const TemporaryDirectory folder_;
  std::optional<Uploads> uploads_{std::in_place, folder_ / "uploads"};
};

TEST_F(UploadsTest, TakesPiecesInOrderAlone) {
  const std::string id = begin(6).id;
  send(id, 0, "abc");
  EXPECT_EQ(uploads_->get(id).offset, 3u);
  EXPECT_EQ(status_of_refusal([&] { uploads_->open(id, 0); }), 409);  // doubled
  EXPECT_EQ(status_of_refusal([&] { uploads_->open(id, 4); }), 409);  // reordered
  EXPECT_FALSE(uploads_->get(id).is_whole());
  send(id, 3, "def");
  EXPECT_TRUE(uploads_->get(id).is_whole());
  EXPECT_EQ(stored(id), "abcdef");
}

TEST_F(UploadsTest, KeepsWhatArrivedBeforeACutAndAfterARestart) {
  const std::string id = begin(6).id;
  uploads_->open(id, 0)->take("abcd");  // and is never finished
  open_again();
  EXPECT_EQ(uploads_->get(id).offset, 4u);
  EXPECT_EQ(uploads_->get(id).record.name, "a.csv");
  send(id, 4, "ef");
  EXPECT_EQ(stored(id), "abcdef");
}

TEST_F(UploadsTest, RefusesMoreBytesThanWereAnnounced) {
  const std::string id = begin(3).id;
  const auto writer = uploads_->open(id, 0);
  writer->take("ab");
  EXPECT_EQ(status_of_refusal([&] { writer->take("cd"); }), 413);
  EXPECT_EQ(stored(id), "ab");
}

// echo -n def | sha1sum | xxd -r -p | base64
TEST_F(UploadsTest, KeepsBytesThatHaveTheirChecksumAlone) {
  const std::string id = begin(6).id;
  send(id, 0, "abc");
  const auto send_with = [&](const char* checksum, const std::string& bytes) {
    const auto writer = uploads_->open(id, 3);
    writer->expect(Checksum(checksum));
    writer->take(bytes);
    writer->finish();
  };
  constexpr const char* kSha1 = "sha1 WJwiM1o4HxItEpIl9cC6MFbtWBE=";
  EXPECT_EQ(status_of_refusal([&] { send_with(kSha1, "dex"); }), 460);
  EXPECT_EQ(stored(id), "abc");
  {
    const auto cut = uploads_->open(id, 3);
    cut->expect(Checksum(kSha1));
    cut->take("de");
  }
  EXPECT_EQ(uploads_->get(id).offset, 3u);
  send_with(kSha1, "def");
  EXPECT_EQ(stored(id), "abcdef");
  for (const char* const header : {"", "sha1", "md5 WJwiM1o4HxItEpIl9cC6MFbtWBE=", "sha1 abcd",
                                   "sha256 WJwiM1o4HxItEpIl9cC6MFbtWBE=", "sha1 !"}) {
    EXPECT_EQ(status_of_refusal([&] { Checksum{header}; }), 400) << header;
  }
}

TEST_F(UploadsTest, GivesAnUploadToTheNewestRequest) {
  const std::string id = begin(6).id;
  const auto hanging = uploads_->open(id, 0);
  hanging->take("ab");
  const auto newer = uploads_->open(id, 2);
  EXPECT_EQ(status_of_refusal([&] { hanging->take("XX"); }), 409);
  newer->take("cdef");
  newer->finish();
  EXPECT_EQ(stored(id), "abcdef");
}

TEST_F(UploadsTest, EndsTheRequestOfADeletedUpload) {
  const std::string id = begin(6).id;
  const auto writer = uploads_->open(id, 0);
  uploads_->remove(id);
  EXPECT_EQ(status_of_refusal([&] { writer->take("ab"); }), 409);
  EXPECT_EQ(status_of_refusal([&] { uploads_->get(id); }), 404);
}

TEST_F(UploadsTest, RefusesWhatTheDiskHasNoRoomFor) {
  const uint64_t most = uploads_->most_bytes();
  EXPECT_EQ(status_of_refusal([&] { begin(most + (uint64_t{1} << 40)); }), 507);
  EXPECT_EQ(status_of_refusal([&] { uploads_->open_whole({}, most + (uint64_t{1} << 40)); }), 507);
  EXPECT_THAT(folder_.names(), ElementsAre("uploads"));
  EXPECT_THAT(uploads_->list(), IsEmpty());
}

TEST_F(UploadsTest, CountsWhatIsPromisedToOthers) {
  const uint64_t before = uploads_->most_bytes();
  begin(uint64_t{64} << 20);
  EXPECT_LT(uploads_->most_bytes(), before - (uint64_t{32} << 20));
}

TEST_F(UploadsTest, ForgetsAnUploadAfterADay) {
  const std::string id = begin(6).id;
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(25);
  fs::last_write_time(uploads_->data(id), old);
  EXPECT_EQ(status_of_refusal([&] { uploads_->get(id); }), 410);
  EXPECT_EQ(status_of_refusal([&] { uploads_->get(id); }), 404);
  const std::string other = begin(6).id;
  fs::last_write_time(uploads_->data(other), old);
  uploads_->forget_old();
  EXPECT_FALSE(fs::exists(uploads_->data(other)));
}

TEST_F(UploadsTest, MakesAFileOfOneRequestWholeOrNotAtAll) {
  {
    const auto cut = uploads_->open_whole({.name = "b"}, 4);
    cut->take("ab");
  }
  EXPECT_TRUE(fs::is_empty(folder_ / "uploads"));
  const auto writer = uploads_->open_whole({.name = "b"}, std::nullopt);
  writer->take("abcd");
  EXPECT_THAT(uploads_->list(), IsEmpty());
  const Upload made = uploads_->finish_whole(*writer, {.name = "b"});
  EXPECT_TRUE(made.is_whole());
  EXPECT_EQ(made.record.length, 4u);
  EXPECT_EQ(stored(made.id), "abcd");
  fs::create_directory(folder_ / "uploads/.new.half");
  open_again();
  EXPECT_FALSE(fs::exists(folder_ / "uploads/.new.half"));
  EXPECT_EQ(stored(made.id), "abcd");
}

TEST_F(UploadsTest, KnowsNoIdThatIsAPath) {
  for (const char* const id : {"", "..", "../uploads", "ABCDEF0123456789ABCDEF0123456789"}) {
    EXPECT_EQ(status_of_refusal([&] { uploads_->get(id); }), 404) << id;
  }
}

TEST(UploadMetadata, HasKeysWithValuesInBase64) {
  EXPECT_THAT(parse_upload_metadata("filename d29ybGQ=, empty"),
              UnorderedElementsAre(Pair("filename", "world"), Pair("empty", "")));
  EXPECT_EQ(status_of_refusal([] { parse_upload_metadata("filename ***"); }), 400);
}

TEST(SafeFileName, IsOneNameThatAPersonCanRead) {
  EXPECT_EQ(safe_file_name("/a/b/cats.zip"), "cats.zip");
  EXPECT_EQ(safe_file_name("C:\\x\\cats.zip"), "cats.zip");
  EXPECT_EQ(safe_file_name("--help"), "help");
  EXPECT_EQ(safe_file_name("a\nb"), "a_b");
  EXPECT_EQ(safe_file_name(".."), "file");
  EXPECT_EQ(safe_file_name("\xff"), "file");
  EXPECT_EQ(safe_file_name(std::string(300, 'x') + ".csv").size(), 200u);
}

}  // namespace
}  // namespace ringtrain::server
