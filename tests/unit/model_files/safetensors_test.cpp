// SPDX-License-Identifier: Apache-2.0
#include "model_files/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::model_files {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string length_prefix(uint64_t length) {
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes;
}

// A safetensors file with this header and this many zero bytes of data.
std::string safetensors_bytes(const std::string& header, size_t data) {
  return length_prefix(header.size()) + header + std::string(data, '\0');
}

struct Tensor {
  TensorInfo info;
  std::string bytes;
};

const Tensor kA{{"a", Dtype::f32, {3}}, "aaaabbbbcccc"};
const Tensor kB{{"b", Dtype::i64, {}}, "12345678"};

class Safetensors : public testing::Test {
 protected:
  static void save(const std::filesystem::path& path, const std::vector<Tensor>& tensors,
                   const Metadata& metadata) {
    std::vector<TensorInfo> infos;
    for (const Tensor& tensor : tensors) infos.push_back(tensor.info);
    SafetensorsWriter writer(path, infos, metadata);
    for (size_t i = 0; i < tensors.size(); ++i) {
      writer.write(i, std::as_bytes(std::span(tensors[i].bytes)));
    }
    writer.commit();
  }

  std::filesystem::path write(const std::string& bytes) const {
    return scratch_.write("hostile.safetensors", bytes);
  }

  void expect_refused(const std::string& bytes, const std::string& because) const {
    const auto path = write(bytes);
    EXPECT_THAT([&] { SafetensorsReader reader(path); },
                ThrowsError(ErrorKind::data, AllOf(HasSubstr(path.string()), HasSubstr(because),
                                                   Not(HasSubstr("\n")))))
        << bytes.substr(8, 200);
  }

  TemporaryDirectory scratch_;
};

TEST_F(Safetensors, ComeBackAsTheyWere) {
  const auto path = scratch_.path() / "model.safetensors";
  const Metadata metadata{{"format", "pt"}, {"ringtrain", "{\"mean\":[0.5]}"}};
  save(path, {kA, kB, {{"empty", Dtype::bf16, {0, 4}}, ""}}, metadata);
  EXPECT_THAT(scratch_.names(), ElementsAre("model.safetensors"));

  const SafetensorsReader reader(path);
  EXPECT_EQ(reader.metadata(), metadata);
  ASSERT_EQ(reader.tensors().size(), 3u);
  const StoredTensor& a = reader.tensors()[1];
  EXPECT_EQ(a.info.name, "a");
  EXPECT_EQ(a.info.dtype, Dtype::f32);
  EXPECT_THAT(a.info.shape, ElementsAre(3));
  std::string bytes(a.bytes, '\0');
  reader.read(a, std::as_writable_bytes(std::span(bytes)));
  EXPECT_EQ(bytes, kA.bytes);
  EXPECT_THAT(reader.tensors()[2].info.shape, ElementsAre(0, 4));
  EXPECT_EQ(reader.tensors()[2].bytes, 0u);
}

TEST_F(Safetensors, AreTheSameBytesInWhateverOrderTheTensorsCome) {
  save(scratch_.path() / "ab", {kA, kB}, {{"x", "1"}, {"y", "2"}});
  save(scratch_.path() / "ba", {kB, kA}, {{"y", "2"}, {"x", "1"}});
  const std::string bytes = read_file(scratch_.path() / "ab");
  EXPECT_EQ(bytes, read_file(scratch_.path() / "ba"));
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header % 8, 0U);
  EXPECT_THAT(bytes.substr(8, header),
              HasSubstr(R"({"__metadata__":{"x":"1","y":"2"},)"
                        R"("b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                        R"("a":{"dtype":"F32","shape":[3],"data_offsets":[8,20]}})"));
  EXPECT_EQ(bytes.substr(8 + header), kB.bytes + kA.bytes);
}

TEST_F(Safetensors, OfNothingCanBeRead) {
  save(scratch_.path() / "none", {}, {});
  EXPECT_THAT(SafetensorsReader(scratch_.path() / "none").tensors(), IsEmpty());
}

TEST_F(Safetensors, RefuseNamesThatTheFormatCannotHold) {
  const auto path = scratch_.path() / "no";
  EXPECT_THAT([&] { save(path, {kA, kA}, {}); }, ThrowsError(ErrorKind::job, HasSubstr("a")));
  EXPECT_THAT(
      [&] {
        save(path, {{{"\xff", Dtype::u8, {0}}, ""}}, {});
      },
      ThrowsError(ErrorKind::job, HasSubstr("not UTF-8")));
  EXPECT_THAT(
      [&] {
        save(path, {{{"__metadata__", Dtype::u8, {0}}, ""}}, {});
      },
      ThrowsError(ErrorKind::job));
  EXPECT_THAT(scratch_.names(), IsEmpty());
}

TEST_F(Safetensors, AreWholeOrNotThere) {
  const auto path = scratch_.path() / "model.safetensors";
  save(path, {}, {{"old", "1"}});
  {
    SafetensorsWriter writer(path, {kA.info, kB.info}, {});
    writer.write(0, std::as_bytes(std::span(kA.bytes)));
    EXPECT_THROW(writer.write(1, std::as_bytes(std::span(kA.bytes))), std::logic_error);
    EXPECT_THROW(writer.commit(), std::logic_error);
  }
  EXPECT_EQ(SafetensorsReader(path).metadata().count("old"), 1U);
  EXPECT_THAT(scratch_.names(), ElementsAre("model.safetensors"));
}

TEST_F(Safetensors, TruncatedOnesAreRefused) {
  const auto path = scratch_.path() / "model.safetensors";
  save(path, {kA}, {{"k", "v"}});
  const std::string whole = read_file(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT([&] { SafetensorsReader reader(write(whole.substr(0, size))); },
                ThrowsError(ErrorKind::data))
        << size;
  }
  EXPECT_THAT([&] { SafetensorsReader reader(write(whole + "x")); }, ThrowsError(ErrorKind::data));
}

TEST_F(Safetensors, HostileOnesAreRefused) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_NO_THROW(SafetensorsReader(write(safetensors_bytes("{" + a + "}", 8))));

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

TEST_F(Safetensors, ThatCannotBeOpenedAreNamed) {
  EXPECT_THAT([&] { SafetensorsReader reader(scratch_.path() / "absent"); },
              ThrowsError(ErrorKind::data, HasSubstr("absent")));
  EXPECT_THAT([&] { SafetensorsReader reader(scratch_.path()); }, ThrowsError(ErrorKind::data));
  EXPECT_THAT([&] { SafetensorsWriter writer(scratch_.path() / "no" / "file", {}, {}); },
              ThrowsError(ErrorKind::io));
}

}  // namespace
}  // namespace ringtrain::model_files
