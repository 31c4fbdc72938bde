// SPDX-License-Identifier: Apache-2.0
#include "storage/mirror.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/storage/fake_s3.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using testing::HasSubstr;

class Mirrors : public testing::Test {
 protected:
  Mirrors() {
    ::setenv("AWS_ENDPOINT_URL", server_.url().c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", "id", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  }
  ~Mirrors() override {
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
      ::unsetenv(name);
    }
  }

  void write_checkpoint(const std::string& name) const {
    folder_.write("checkpoints/" + name + "/weights.safetensors", "weights of " + name);
    folder_.write("checkpoints/" + name + "/manifest.json", "manifest of " + name);
  }

  // Contents at the URL, by name.
  std::map<std::string, std::string> there() {
    std::map<std::string, std::string> names;
    const std::string prefix = "/bucket/run/";
    for (const auto& [path, bytes] : server_.objects()) names[path.substr(prefix.size())] = bytes;
    names.erase(".ringtrain");
    return names;
  }

  FakeS3 server_;
  const TemporaryDirectory folder_;
  const TemporaryDirectory other_machine_;
  Storage storage_{StorageOptions{.retries = kFast}};
};

constexpr const char* kUrl = "s3://bucket/run";

TEST_F(Mirrors, SendWhatHasChanged) {
  Mirror mirror(storage_, kUrl, folder_.path());
  mirror.begin();
  folder_.write("history.jsonl", "{\"epoch\": 1}\n{\"ep");
  folder_.write("notes.txt", "not ours");
  mirror.send();
  EXPECT_THAT(there(), testing::ElementsAre(testing::Pair("history.jsonl", "{\"epoch\": 1}\n")));
  folder_.write("history.jsonl", "{\"epoch\": 1}\n{\"epoch\": 2}\n");
  folder_.write("model.pt", "model");
  mirror.send();
  EXPECT_EQ(there()["history.jsonl"], "{\"epoch\": 1}\n{\"epoch\": 2}\n");
  EXPECT_EQ(there()["model.pt"], "model");
  const size_t before = server_.requests().size();
  mirror.send();
  EXPECT_EQ(server_.requests().size(), before);
  std::filesystem::remove(folder_ / "model.pt");
  mirror.send();
  EXPECT_FALSE(there().contains("model.pt"));
}

TEST_F(Mirrors, ACheckpointIsThereOnceItsManifestIs) {
  Mirror mirror(storage_, kUrl, folder_.path());
  mirror.begin();
  folder_.write("checkpoints/step-00000001/weights.safetensors", "no manifest yet");
  folder_.write("checkpoints/.step-00000009.77/manifest.json", "being written");
  mirror.send();
  EXPECT_TRUE(there().empty());
  write_checkpoint("step-00000001");
  mirror.send();
  EXPECT_EQ(there().size(), 2u);
  const auto requests = server_.requests();
  const auto put = [&](const char* name) {
    return std::find(requests.begin(), requests.end(),
                     std::string("PUT /bucket/run/checkpoints/step-00000001/") + name);
  };
  EXPECT_LT(put("weights.safetensors"), put("manifest.json"));
  EXPECT_NE(put("manifest.json"), requests.end());
}

TEST_F(Mirrors, OldCheckpointsGoAfterNewOnesCame) {
  Mirror mirror(storage_, kUrl, folder_.path());
  mirror.begin();
  write_checkpoint("step-00000001");
  mirror.send();
  std::filesystem::remove_all(folder_ / "checkpoints/step-00000001");
  mirror.send();
  EXPECT_EQ(there().size(), 2u);  // none is there, so none is removed
  write_checkpoint("step-00000002");
  mirror.send();
  EXPECT_THAT(there(),
              testing::ElementsAre(
                  testing::Pair("checkpoints/step-00000002/manifest.json", testing::_),
                  testing::Pair("checkpoints/step-00000002/weights.safetensors", testing::_)));
}

TEST_F(Mirrors, AnotherMachineBeginsWithWhatIsThere) {
  {
    Mirror mirror(storage_, kUrl, folder_.path());
    mirror.begin();
    write_checkpoint("step-00000001");
    folder_.write("history.jsonl", "{}\n");
    mirror.send();
  }
  // Names that others have put there, and half a checkpoint.
  server_.put("/bucket/run/checkpoints/step-00000002/weights.safetensors", "half");
  server_.put("/bucket/run/checkpoints/step-3/../../../evil", "x");
  server_.put("/bucket/run/.bashrc", "x");
  other_machine_.write("model.pt", "of an earlier run");
  other_machine_.write("checkpoints/step-00000007/manifest.json", "of an earlier run");
  Mirror mirror(storage_, kUrl, other_machine_.path());
  mirror.begin();
  EXPECT_EQ(read_file(other_machine_ / "checkpoints/step-00000001/manifest.json"),
            "manifest of step-00000001");
  EXPECT_EQ(read_file(other_machine_ / "history.jsonl"), "{}\n");
  EXPECT_THAT(other_machine_.names(), testing::UnorderedElementsAre("checkpoints", "history.jsonl",
                                                                    ".mirror", ".mirror.lock"));
  EXPECT_FALSE(std::filesystem::exists(other_machine_ / "checkpoints/step-00000002"));
}

TEST_F(Mirrors, TheLastToWriteContinuesWithItsOwnFolder) {
  {
    Mirror mirror(storage_, kUrl, folder_.path());
    mirror.begin();
  }
  write_checkpoint("step-00000005");  // which a kill kept from being sent
  Mirror mirror(storage_, kUrl, folder_.path());
  mirror.begin();
  EXPECT_TRUE(std::filesystem::exists(folder_ / "checkpoints/step-00000005/manifest.json"));
  mirror.send();
  EXPECT_EQ(there().size(), 2u);
}

TEST_F(Mirrors, TheProcessSaysWhatHappensAndSendsTheRestAtTheEnd) {
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  input.write_end.close();  // the job ends at once
  EXPECT_EQ(run_mirror(kUrl, other_machine_.path(), input.read_end.get(), output.write_end.get()),
            0);
  output.write_end.close();
  std::string lines(100, '\0');
  lines.resize(static_cast<size_t>(::read(output.read_end.get(), lines.data(), lines.size())));
  EXPECT_EQ(lines, "\n\n");
}

TEST_F(Mirrors, AUrlThatCannotBeWrittenIsRefusedAtTheBeginning) {
  FakeS3 refusing([](const net::ReceivedRequest& request) -> std::optional<net::Reply> {
    if (request.method != "PUT") return std::nullopt;
    return net::Reply{403, {"<Error><Code>AccessDenied</Code></Error>"}};
  });
  ::setenv("AWS_ENDPOINT_URL", refusing.url().c_str(), 1);
  Storage storage(StorageOptions{.retries = kFast});
  Mirror mirror(storage, kUrl, folder_.path());
  EXPECT_THAT([&] { mirror.begin(); }, ThrowsError(ErrorKind::data, HasSubstr("403 AccessDenied")));
}

}  // namespace
}  // namespace ringtrain::storage
