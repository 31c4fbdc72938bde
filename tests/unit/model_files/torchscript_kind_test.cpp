// SPDX-License-Identifier: Apache-2.0
#include "model_files/torchscript_kind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::model_files {
namespace {

using ::testing::HasSubstr;

// The first bytes and the names of a zip archive, as far as they are looked at.
const std::string kZip = "PK\x03\x04 ... ";  // NOLINT: as long as the program

TEST(WhyNotTorchScript, NamesWhatIsOftenGivenInItsPlace) {
  const TemporaryDirectory scratch;
  const auto why = [&](const std::string& bytes) {
    return why_not_torchscript(scratch.write("model", bytes));
  };
  EXPECT_THAT(why(kZip + "net/data.pkl net/version PK\x05\x06"), HasSubstr("a file of torch.save"));
  EXPECT_THAT(why("\x80\x02}q."), HasSubstr("a file of torch.save"));
  EXPECT_THAT(why(std::string("\x20\0\0\0\0\0\0\0{\"__metadata__\":", 24)),
              HasSubstr("a safetensors file: weights without the network"));
  EXPECT_THAT(why("\x89HDF\r\n\x1a\n..."), HasSubstr("an HDF5 file"));
  for (const std::string& bytes :
       {std::string(), std::string("model: lenet\n"), kZip + "a.txt", kZip + "net/data.pkl"}) {
    EXPECT_THAT(why(bytes), HasSubstr("not a TorchScript file that can be opened")) << bytes;
  }
}

TEST(WhyNotTorchScript, IsEmptyForWhatTorchJitWrites) {
  const TemporaryDirectory scratch;
  EXPECT_EQ(why_not_torchscript(
                scratch.write("model", kZip + "net/data.pkl net/code/x.py net/constants.pkl")),
            "");
}

TEST(WhyNotTorchScript, RefusesAFileThatCannotBeRead) {
  EXPECT_THAT([] { why_not_torchscript("/nowhere/model.pt"); },
              ThrowsError(ErrorKind::data, HasSubstr("/nowhere/model.pt")));
}

}  // namespace
}  // namespace ringtrain::model_files
