// SPDX-License-Identifier: Apache-2.0
#include "net/multipart.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace ringtrain::net {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=xyz";

TEST(Multipart, HasFilesByTheirFields) {
  const std::string bytes("bytes\r\n--x\0y", 12);
  const std::string body =
      "--xyz\r\nContent-Disposition: form-data; name=\"x-train\"; filename=\"x.npy\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n" +
      bytes +
      "\r\n"
      "--xyz\r\nContent-Disposition: form-data; name=y-train; filename=y.npy\r\n\r\n\r\n"
      "--xyz--\r\n";
  const auto files = files_of_form(body, kType);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files.at("x-train").file_name, "x.npy");
  EXPECT_EQ(files.at("x-train").bytes, bytes);
  EXPECT_EQ(files.at("y-train").bytes, "");
  EXPECT_EQ(files_of_form(body, "multipart/form-data; charset=utf-8; boundary=\"xyz\"").size(), 2U);
}

TEST(Multipart, RefusesWhatIsNone) {
  const std::string part = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb";
  for (const auto& [body, type] : std::vector<std::pair<std::string, std::string>>{
           {part + "\r\n--xyz--", "application/json"},
           {part + "\r\n--xyz--", "multipart/form-data"},
           {part + "\r\n--xyz--", "multipart/form-data; boundary="},
           {part, kType},
           {part + "\r\n--xyz", kType},
           {"--xyz\r\nno end of a head", kType},
           {"--xyz", kType},
           {"", kType}}) {
    EXPECT_THROW(files_of_form(body, type), Error) << body;
  }
}

}  // namespace
}  // namespace ringtrain::net
