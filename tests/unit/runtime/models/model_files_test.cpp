// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/model_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ThrowsMessage;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string length_prefix(uint64_t length) {
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes;
}

// A safetensors file with this header and this many zero bytes of data.
std::string safetensors_bytes(const std::string& header, size_t data) {
  return length_prefix(header.size()) + header + std::string(data, '\0');
}

class ModelFiles : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& bytes) const {
    const auto path = scratch_.path() / "hostile.safetensors";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  void expect_refused(const std::string& bytes, const std::string& because) const {
    const auto path = write(bytes);
    EXPECT_THAT([&] { read_safetensors(path); },
                ThrowsError(ErrorKind::data, AllOf(HasSubstr(path.string()), HasSubstr(because),
                                                   Not(HasSubstr("\n")))))
        << bytes.substr(8, 200);
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TemporaryDirectory scratch_;
};

TEST_F(ModelFiles, SafetensorsComeBackAsTheyWere) {
  const auto path = scratch_.path() / "model.safetensors";
  const std::vector<NamedTensor> tensors{
      {"a.weight", torch::randn({3, 5}).set_requires_grad(true)},
      {"a.transposed", torch::randn({3, 5}).t()},
      {"count", torch::tensor(7, torch::kInt64)},
      {"empty", torch::empty({0, 4})},
      {"half", torch::randn({3}).to(torch::kBFloat16)},
      {"mask", torch::tensor({true, false, true})},
      {"wide", torch::randn({2}, torch::kFloat64)},
  };
  const std::map<std::string, std::string> metadata{{"ringtrain", "{\"mean\":[0.5]}"},
                                                    {"format", "pt"}};
  write_safetensors(path, tensors, metadata);
  EXPECT_THAT(files(), ElementsAre("model.safetensors"));

  const Safetensors read = read_safetensors(path);
  EXPECT_EQ(read.metadata, metadata);
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto found = std::find_if(read.tensors.begin(), read.tensors.end(),
                                    [&](const auto& item) { return item.name == name; });
    ASSERT_NE(found, read.tensors.end()) << name;
    EXPECT_EQ(found->tensor.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(found->tensor, tensor)) << name;
  }
}

TEST_F(ModelFiles, SafetensorsAreTheSameBytesInWhateverOrderTheTensorsCome) {
  const NamedTensor a{"a", torch::ones({3})};
  const NamedTensor b{"b", torch::tensor(1, torch::kInt64)};
  write_safetensors(scratch_.path() / "ab", std::vector{a, b}, {{"x", "1"}, {"y", "2"}});
  write_safetensors(scratch_.path() / "ba", std::vector{b, a}, {{"y", "2"}, {"x", "1"}});
  const std::string bytes = contents(scratch_.path() / "ab");
  EXPECT_EQ(bytes, contents(scratch_.path() / "ba"));
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header % 8, 0U);
  EXPECT_THAT(bytes.substr(8, header),
              HasSubstr(R"({"__metadata__":{"x":"1","y":"2"},)"
                        R"("b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                        R"("a":{"dtype":"F32","shape":[3],"data_offsets":[8,20]}})"));
}

TEST_F(ModelFiles, SafetensorsOfNothingCanBeRead) {
  write_safetensors(scratch_.path() / "none", {}, {});
  EXPECT_THAT(read_safetensors(scratch_.path() / "none").tensors, IsEmpty());
}

TEST_F(ModelFiles, SafetensorsRefuseWhatTheFormatCannotHold) {
  const auto path = scratch_.path() / "no";
  const NamedTensor a{"a", torch::ones({3})};
  EXPECT_THAT([&] { write_safetensors(path, std::vector{a, a}, {}); }, ThrowsError(ErrorKind::job));
  EXPECT_THAT(
      [&] {
        write_safetensors(path, std::vector{NamedTensor{"\xff", a.tensor}}, {});
      },
      ThrowsError(ErrorKind::job));
  EXPECT_THAT(
      [&] {
        write_safetensors(
            path, std::vector{NamedTensor{"c", torch::ones({1}, torch::kComplexFloat)}}, {});
      },
      ThrowsError(ErrorKind::job));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ModelFiles, TruncatedSafetensorsAreRefused) {
  const auto path = scratch_.path() / "model.safetensors";
  write_safetensors(path, std::vector{NamedTensor{"a", torch::ones({3})}}, {{"k", "v"}});
  const std::string whole = contents(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT([&] { read_safetensors(write(whole.substr(0, size))); },
                ThrowsError(ErrorKind::data))
        << size;
  }
  EXPECT_THAT([&] { read_safetensors(write(whole + "x")); }, ThrowsError(ErrorKind::data));
}

TEST_F(ModelFiles, HostileSafetensorsAreRefused) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_NO_THROW(read_safetensors(write(safetensors_bytes("{" + a + "}", 8))));

  expect_refused(length_prefix(uint64_t{1} << 60) + "{}", "1152921504606846976 bytes long");
  expect_refused(length_prefix(~uint64_t{0}) + "{}", "bytes long");
  expect_refused(safetensors_bytes("", 0), "not JSON");
  expect_refused(safetensors_bytes("{\"a\":", 0), "not JSON");
  expect_refused(safetensors_bytes("{\"\xff\":1}", 0), "not JSON");
  expect_refused(safetensors_bytes("[]", 0), "not a JSON object");
  expect_refused(safetensors_bytes("{\"a\":" + std::string(1 << 20, '[') + "}", 0), "too deep");
  expect_refused(safetensors_bytes("{" + a + "," + a + "}", 8), "names a twice");
  expect_refused(safetensors_bytes(R"({"a":[]})", 0), "tensor a: not of the form");
  expect_refused(safetensors_bytes(R"({"__metadata__":[]})", 0), "__metadata__ is not an object");
  expect_refused(safetensors_bytes(R"({"__metadata__":{"k":1}})", 0), "k is not a string");

  const auto tensor = [](const char* dtype, const char* shape, const char* offsets) {
    return std::string(R"({"a":{"dtype":")") + dtype + R"(","shape":)" + shape +
           R"(,"data_offsets":)" + offsets + "}}";
  };
  expect_refused(safetensors_bytes(tensor("F33", "[2]", "[0,8]"), 8), "unknown dtype F33");
  expect_refused(safetensors_bytes(tensor("F32", "[-2]", "[0,8]"), 8), "whole numbers");
  expect_refused(safetensors_bytes(tensor("F32", "[2.0]", "[0,8]"), 8), "whole numbers");
  expect_refused(safetensors_bytes(tensor("F32", "[2]", "[0,8,9]"), 8), "not of the form");
  expect_refused(safetensors_bytes(tensor("F32", "[2]", "[8,0]"), 8), "do not match its shape");
  expect_refused(safetensors_bytes(tensor("F32", "[2]", "[0,4]"), 8), "do not match its shape");
  expect_refused(safetensors_bytes(tensor("F32", "[4611686018427387904,4]", "[0,0]"), 0),
                 "too large");
  expect_refused(safetensors_bytes(tensor("F32", "[18446744073709551615,0]", "[0,0]"), 0),
                 "too large");
  expect_refused(
      safetensors_bytes(tensor("U8", "[1152921504606846976]", "[0,1152921504606846976]"), 8),
      "take 1152921504606846976 bytes, but 8 follow");
  expect_refused(safetensors_bytes(tensor("F32", "[2]", "[8,16]"), 16), "leave a gap");
  expect_refused(safetensors_bytes(tensor("F32", "[2]", "[0,8]"), 9), "take 8 bytes, but 9 follow");
  expect_refused(
      safetensors_bytes("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12),
      "tensor b: its data overlap");
  expect_refused(
      safetensors_bytes("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8),
      "tensor b: its data overlap");
}

TEST_F(ModelFiles, WhatCannotBeOpenedIsNamed) {
  EXPECT_THAT([&] { read_safetensors(scratch_.path() / "absent"); },
              ThrowsError(ErrorKind::data, HasSubstr("absent")));
  EXPECT_THAT([&] { read_safetensors(scratch_.path()); }, ThrowsError(ErrorKind::data));
  EXPECT_THAT([&] { write_safetensors(scratch_.path() / "no" / "file", {}, {}); },
              ThrowsError(ErrorKind::io));
}

TEST_F(ModelFiles, TorchScriptOpensAgainWithItsExtraFiles) {
  const auto path = scratch_.path() / "model.pt";
  ModelOptions options{.name = "lenet5",
                       .hidden = {},
                       .channels = 1,
                       .height = 28,
                       .width = 28,
                       .classes = 10,
                       .seed = 3};
  const auto model = make_model(options);
  write_torchscript(path, *model, {{"ringtrain.json", "{}"}, {"empty", ""}});
  EXPECT_THAT(files(), ElementsAre("model.pt"));

  torch::jit::ExtraFilesMap extra{{"ringtrain.json", "?"}};
  auto loaded = torch::jit::load(path.string(), torch::kCPU, extra);
  EXPECT_EQ(extra["ringtrain.json"], "{}");
  EXPECT_FALSE(loaded.is_training());
  model->train(false);
  const torch::NoGradGuard no_grad;
  for (const int64_t rows : {1, 7}) {
    const auto x = torch::randn({rows, 1, 28, 28});
    EXPECT_TRUE(torch::equal(loaded.forward({x}).toTensor(), model->forward(x)));
  }

  EXPECT_THAT([&] { write_torchscript(scratch_.path() / "no" / "model.pt", *model, {}); },
              ThrowsError(ErrorKind::io, HasSubstr("model.pt")));
}

// A full disk, as far as a file system without one can show it.
TEST_F(ModelFiles, AFailedWriteLeavesTheOldFileWhole) {
  const auto path = scratch_.path() / "model.safetensors";
  write_safetensors(path, {}, {{"old", "1"}});
  const NamedTensor bad{"c", torch::ones({1}, torch::kComplexFloat)};
  EXPECT_THAT([&] { write_safetensors(path, std::vector{bad}, {}); }, ThrowsError(ErrorKind::job));
  EXPECT_EQ(read_safetensors(path).metadata.count("old"), 1U);
  EXPECT_THAT(files(), ElementsAre("model.safetensors"));
}

}  // namespace
}  // namespace ringtrain
