// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/dataset_upload.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/server/kubeml/array_text.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

class DatasetUploadTest : public testing::Test {
 protected:
  net::BodyReceiver receive(const std::string& name) {
    const net::ServedRequest request{
        .method = "POST", .headers = {{"content-type", "multipart/form-data; boundary=b"}}};
    return receive_dataset(storage_, uploads_,
                           {.request = request, .path = {{"name", name}}, .caller = {}});
  }
  static std::string form() {
    std::string body;
    for (const char* const part : {"x-train", "y-train", "x-test", "y-test"}) {
      body += std::string("--b\r\nContent-Disposition: form-data; name=\"") + part + "\"\r\n\r\n" +
              array_text("'|u1'", "(300,)", 300) + "\r\n";
    }
    return body + "--b--\r\n";
  }

  const TemporaryDirectory folder_;
  KubemlStorage storage_{folder_.path()};
  Uploads uploads_{folder_ / "uploads"};
};

TEST_F(DatasetUploadTest, TakesAFormInPieces) {
  const net::BodyReceiver receiver = receive("digits");
  for (const char c : form()) EXPECT_TRUE(receiver.take({&c, 1}));
  EXPECT_TRUE(storage_.datasets().empty());
  EXPECT_EQ(receiver.finish().status, 200);
  EXPECT_EQ(storage_.dataset("digits").train_set_size, 300U);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "uploads"));
}

TEST_F(DatasetUploadTest, LeavesNothingOfWhatIsRefusedOrCut) {
  receive("digits").take(form());
  const net::BodyReceiver receiver = receive("digits");
  EXPECT_TRUE(receiver.take("no form"));
  EXPECT_EQ(status_of_refusal([&] { receiver.finish(); }), 400);
  EXPECT_EQ(status_of_refusal([&] { receive("../digits"); }), 400);
  EXPECT_TRUE(storage_.datasets().empty());
}

}  // namespace
}  // namespace ringtrain::server
