// SPDX-License-Identifier: Apache-2.0
// Real torch reads these files in tests/integration/run/state_dict_test.py.
#include "model_files/state_dict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/file.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::model_files {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class StateDictTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::filesystem::path file_ = directory_.path() / "model.pth";
};

std::string written(const std::filesystem::path& file) {
  StateDictWriter writer(file, {{"weight", Dtype::f32, {3, 1}}, {"count", Dtype::i64, {}}});
  writer.write(bytes_of("aaaabbbbcccc"));
  writer.write(bytes_of("12345678"));
  writer.commit();
  return read_file(file);
}

TEST_F(StateDictTest, TensorsLieOneAfterTheOtherAtMultiplesOf64Bytes) {
  const std::string bytes = written(file_);
  const size_t first = bytes.find("aaaabbbbcccc");
  const size_t second = bytes.find("12345678");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(second, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_EQ(first % 64, 0U);
  EXPECT_EQ(second % 64, 0U);
  EXPECT_TRUE(bytes.starts_with("PK\x03\x04"));
  EXPECT_THAT(bytes, HasSubstr("model/data.pkl"));
}

TEST_F(StateDictTest, ASafetensorsFileBecomesOne) {
  const std::filesystem::path source = directory_.path() / "weights.safetensors";
  SafetensorsWriter writer(source, {{"a.weight", Dtype::f32, {3, 1}}, {"count", Dtype::i64, {}}},
                           {});
  writer.write(0, bytes_of("aaaabbbbcccc"));
  writer.write(1, bytes_of("12345678"));
  writer.commit();
  safetensors_to_state_dict(source, file_);
  const std::string bytes = read_file(file_);
  for (const char* part : {"aaaabbbbcccc", "12345678", "a.weight", "count"}) {
    EXPECT_THAT(bytes, HasSubstr(part));
  }
}

TEST_F(StateDictTest, ThePickleNamesNothingButTensorsAndAnOrderedDict) {
  const std::string bytes = written(file_);
  const size_t begin = bytes.find("\x80\x02");
  const std::string pickle = bytes.substr(begin, bytes.find("PK", begin) - begin);
  size_t at = 0;
  std::string globals = pickle;
  for (const std::string known :
       {"collections\nOrderedDict\n", "torch._utils\n_rebuild_tensor_v2\n", "torch\nFloatStorage\n",
        "torch\nLongStorage\n"}) {
    EXPECT_THAT(globals, HasSubstr("c" + known));
    while ((at = globals.find("c" + known)) != std::string::npos)
      globals.erase(at, known.size() + 1);
  }
  EXPECT_THAT(globals, Not(HasSubstr("\n")));
}

TEST_F(StateDictTest, TheSameWeightsGiveTheSameBytes) {
  EXPECT_EQ(written(file_), written(directory_.path() / "other.pth"));
}

TEST_F(StateDictTest, NothingAppearsBeforeTheCommit) {
  {
    StateDictWriter writer(file_, {{"a", Dtype::u8, {1}}});
    writer.write(bytes_of("x"));
  }
  EXPECT_THAT(directory_.names(), IsEmpty());
}

TEST_F(StateDictTest, RefusesATensorTwiceOrOfAnotherSizeOrMissing) {
  EXPECT_THAT(
      [&] {
        StateDictWriter(file_, {{"a", Dtype::f32, {}}, {"a", Dtype::f32, {}}});
      },
      ThrowsError(ErrorKind::job, HasSubstr("two tensors of the model are called a")));
  StateDictWriter writer(file_, {{"a", Dtype::f32, {2}}});
  EXPECT_THROW(writer.write(bytes_of("x")), std::logic_error);
  EXPECT_THROW(writer.commit(), std::logic_error);
}

}  // namespace
}  // namespace ringtrain::model_files
