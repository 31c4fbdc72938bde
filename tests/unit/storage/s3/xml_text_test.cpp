// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/xml_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtrain::storage {
namespace {

TEST(XmlText, FindsElementsByTheirWholeName) {
  EXPECT_EQ(xml_text("<a><Keys>no</Keys><Key>yes</Key></a>", "Key"), "yes");
  EXPECT_EQ(xml_text("<Key a=\"b\">yes</Key>", "Key"), "yes");
  EXPECT_EQ(xml_text("<Key/><Other>x</Other>", "Key"), "");
  EXPECT_EQ(xml_text("", "Key"), "");
  EXPECT_THAT(xml_elements("<C>1</C><D/><C>2</C>", "C"), testing::ElementsAre("1", "2"));
}

TEST(XmlText, ReplacesEntities) {
  EXPECT_EQ(xml_text("<Key>a&amp;b &lt;&#34;&#xE4;&#128008;</Key>", "Key"), "a&b <\"ä🐈");
  EXPECT_EQ(xml_text("<Key>a & b &unknown; &#zz;</Key>", "Key"), "a & b &unknown; &#zz;");
  EXPECT_EQ(xml_text("<E>" + xml_escaped("\"<&>'") + "</E>", "E"), "\"<&>'");
}

TEST(XmlText, TextThatIsCutGivesNothing) {
  EXPECT_EQ(xml_text("<Key>half", "Key"), "");
  EXPECT_EQ(xml_text("<Key", "Key"), "");
  EXPECT_EQ(xml_text("</Key><Key", "Key"), "");
}

}  // namespace
}  // namespace ringtrain::storage
