// SPDX-License-Identifier: Apache-2.0
#include "job/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/job/refusal.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string yaml_refusal(const std::string& text) {
  return refusal([&] { parse_yaml(text, "f.yaml"); });
}

TEST(Yaml, KeepsValuesAndTheirLines) {
  const Document document = parse_yaml("a: 1\nb:\n  c: [x, 2.5]\n  d: true\n", "f.yaml");
  EXPECT_EQ(document.value.dump(), R"({"a":1,"b":{"c":["x",2.5],"d":true}})");
  EXPECT_EQ(document.origin("a"), "f.yaml:1");
  EXPECT_EQ(document.origin("b.c[1]"), "f.yaml:3");
  EXPECT_EQ(document.origin("b.d"), "f.yaml:4");
  EXPECT_EQ(document.origin("b.unknown.deep"), "f.yaml:2");
}

TEST(Yaml, ReadsPlainScalarsByTheCoreSchema) {
  const auto value = [](const std::string& text) { return parse_yaml(text, "f").value.dump(); };
  EXPECT_EQ(value("12"), "12");
  EXPECT_EQ(value("-12"), "-12");
  EXPECT_EQ(value("+12"), "12");
  EXPECT_EQ(value("0x10"), "16");
  EXPECT_EQ(value("0o17"), "15");
  EXPECT_EQ(value("1e3"), "1000");
  EXPECT_EQ(value("128.0"), "128");
  EXPECT_EQ(value(".5"), "0.5");
  EXPECT_EQ(value("-1.5e-3"), "-0.0015");
  EXPECT_EQ(value("TRUE"), "true");
  EXPECT_EQ(value("yes"), "\"yes\"");
  EXPECT_EQ(value("nan"), "\"nan\"");
  EXPECT_EQ(value("infinity"), "\"infinity\"");
  EXPECT_EQ(value("1.2.3"), "\"1.2.3\"");
}

TEST(Yaml, KeepsQuotedScalarsAsText) {
  EXPECT_EQ(parse_yaml("'12'", "f").value.dump(), "\"12\"");
  EXPECT_EQ(parse_yaml("\"true\"", "f").value.dump(), "\"true\"");
}

TEST(Yaml, RefusesNumbersThatCannotBeKept) {
  EXPECT_THAT(yaml_refusal("a: 0\nb: 1e400"), StartsWith("f.yaml:2: b: must be a number that"));
  EXPECT_THAT(yaml_refusal("b: 1e-4000"), StartsWith("f.yaml:1: b: must be a number that"));
  EXPECT_THAT(yaml_refusal("b: .inf"), StartsWith("f.yaml:1: b: must be a finite number"));
  EXPECT_THAT(yaml_refusal("b: -.INF"), StartsWith("f.yaml:1: b: must be a finite number"));
  EXPECT_THAT(yaml_refusal("b: .nan"), StartsWith("f.yaml:1: b: must be a finite number"));
  EXPECT_THAT(yaml_refusal("b: 99999999999999999999"),
              StartsWith("f.yaml:1: b: must be a smaller number"));
}

TEST(Yaml, RefusesAliasesSoThatABombCannotGrow) {
  std::string bomb = "a: &a [x, x, x]\n";
  for (char c = 'b'; c < 'z'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [*" + static_cast<char>(c - 1) + ", *" +
            static_cast<char>(c - 1) + "]\n";
  }
  EXPECT_THAT(yaml_refusal(bomb), StartsWith("f.yaml:2: b[0]: aliases (*) are not allowed"));
}

TEST(Yaml, RefusesDeepNesting) {
  const std::string deep = "is nested more than 16 levels deep";
  EXPECT_THAT(yaml_refusal(std::string(500000, '[')), HasSubstr(deep));
  EXPECT_THAT(yaml_refusal(std::string(500000, '{')), HasSubstr(deep));
  std::string blocks;
  for (int i = 0; i < 300; ++i) blocks += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(yaml_refusal(blocks), HasSubstr(deep));
  std::string dashes;
  for (int i = 0; i < 10000; ++i) dashes += "- ";
  EXPECT_THAT(yaml_refusal(dashes), HasSubstr(deep));
}

TEST(Yaml, RefusesWhatMakesYamlCppFindDocumentsWithoutEnd) {
  for (const char* text : {", true]}\n", "]", "}", ",", ": ]\n"})
    EXPECT_THAT(yaml_refusal(text), StartsWith("f.yaml:1")) << text;
}

TEST(Yaml, RefusesDuplicateKeysNamingBoth) {
  EXPECT_EQ(yaml_refusal("a: 1\nb:\n  c: 1\n  c: 2\n"),
            "f.yaml:4: b: the key 'c' is there twice, first at f.yaml:3");
}

TEST(Yaml, RefusesKeysThatAreNotText) {
  EXPECT_THAT(yaml_refusal("? [a]\n: 1\n"), HasSubstr("a key must be plain text"));
  EXPECT_THAT(yaml_refusal("? {a: 1}\n: 1\n"), HasSubstr("a key must be plain text"));
  EXPECT_THAT(yaml_refusal("~: 1\n"), HasSubstr("a key is empty"));
  EXPECT_THAT(yaml_refusal("'': 1\n"), HasSubstr("a key is empty"));
}

TEST(Yaml, RefusesValuesLeftOut) {
  EXPECT_EQ(yaml_refusal("a:\nb: 1\n"), "f.yaml:1: a: has no value");
}

TEST(Yaml, RefusesTypeTags) {
  EXPECT_THAT(yaml_refusal("a: !!python/object:os.system x"), HasSubstr("type tags are not"));
  EXPECT_THAT(yaml_refusal("a: !!set {x}"), HasSubstr("type tags are not"));
}

TEST(Yaml, RefusesMoreThanOneDocumentAndNone) {
  EXPECT_EQ(yaml_refusal("a: 1\n---\nb: 1\n"),
            "f.yaml:2: a second document starts: one is allowed");
  EXPECT_EQ(yaml_refusal(""), "f.yaml: is empty");
  EXPECT_EQ(yaml_refusal("# nothing\n"), "f.yaml: is empty");
}

TEST(Yaml, RefusesWhatIsNotText) {
  const std::string binary = "is not a text in UTF-8";
  EXPECT_THAT(yaml_refusal(std::string("a: 1\0b", 6)), HasSubstr(binary));
  EXPECT_THAT(yaml_refusal("a: \xff"), HasSubstr(binary));
  EXPECT_THAT(yaml_refusal("a: \xc0\x80"), HasSubstr(binary));
  EXPECT_THAT(yaml_refusal("a: \xed\xa0\x80"), HasSubstr(binary));
  EXPECT_THAT(yaml_refusal("a: \xf4\x90\x80\x80"), HasSubstr(binary));
  EXPECT_THAT(yaml_refusal("a: \xe2\x82"), HasSubstr(binary));
  EXPECT_EQ(yaml_refusal("a: \xe2\x82\xac \xf0\x9f\x98\x80 \xc3\xa9"), "");
}

TEST(Yaml, RefusesControlCharacters) {
  EXPECT_THAT(yaml_refusal("a: \"x\\0y\""), HasSubstr("control characters"));
  EXPECT_THAT(yaml_refusal("a: \"\\e[2J\""), HasSubstr("control characters"));
  EXPECT_THAT(yaml_refusal("a: \"\\x9b2J\""), HasSubstr("control characters"));
  EXPECT_THAT(yaml_refusal("\"a\\n\": 1"), HasSubstr("control characters"));
  EXPECT_THAT(yaml_refusal("a: |\n  two\n  lines\n"), HasSubstr("line breaks"));
}

TEST(Yaml, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(yaml_refusal("a: 1\nb: [1, 2\n"), StartsWith("f.yaml:"));
  EXPECT_THAT(yaml_refusal("a: 1\nb: [1, 2\n"), HasSubstr("is not valid YAML: "));
}

TEST(Yaml, SaysInPlainWordsWhatASyntaxErrorIs) {
  EXPECT_THAT(yaml_refusal("a: {b: 1\n"), HasSubstr("a '{' is not closed by a '}'"));
  EXPECT_THAT(yaml_refusal("a: [1, 2\n"), HasSubstr("a '[' is not closed by a ']'"));
  EXPECT_THAT(yaml_refusal("a: b\n c: d\n"),
              StartsWith("f.yaml:2: is not valid YAML: no key can be"));
}

TEST(Yaml, NamesATabThatIndents) {
  const std::string tab = "a tab indents this line: YAML takes spaces alone";
  EXPECT_EQ(yaml_refusal("a: 1\n\tb: 2\n"), "f.yaml:2: " + tab);
  EXPECT_EQ(yaml_refusal("a:\n\tb: 2\n\tc: 3\nd: 4\n"), "f.yaml:2: " + tab);
  EXPECT_EQ(yaml_refusal("a:\n  b: 2\n \tc: 3\n"), "f.yaml:3: " + tab);
  EXPECT_EQ(yaml_refusal("a: [1,\n\t2]\n"), "");  // between brackets YAML allows them
}

TEST(Yaml, BlamesALineWithoutASpaceAfterItsColon) {
  const std::string space = "a space is missing after the colon, as in ";
  EXPECT_EQ(yaml_refusal("model:lenet5\ndataset: d\n"), "f.yaml:1: " + space + "'model: lenet5'");
  EXPECT_EQ(yaml_refusal("dataset: d\nmodel:lenet5\n"), "f.yaml:2: " + space + "'model: lenet5'");
  EXPECT_EQ(yaml_refusal("a: 1\nmodel:lenet5\ndataset: d\n"),
            "f.yaml:2: " + space + "'model: lenet5'");
  EXPECT_EQ(yaml_refusal("a:\n  b:1\n  c: 2\n"), "f.yaml:2: " + space + "'b: 1'");
  EXPECT_EQ(yaml_refusal("a: http://host:1/x\nb: c:d\n"), "");
}

TEST(Yaml, RefusesTextsAboveOneMebibyte) {
  EXPECT_THAT(yaml_refusal("# " + std::string(1 << 20, 'x')), HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace ringtrain
