# SPDX-License-Identifier: Apache-2.0
# Writes the files of a folder into a C++ file, as the table that a header declares, in a namespace of ringtrain:
#   cmake -DFOLDER=server/web -DHEADER=server/api/web_files.hpp -DNAMESPACE=server -DOUTPUT=web_files.cpp
#         -P cmake/EmbedFiles.cmake
file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/*.html ${FOLDER}/*.js ${FOLDER}/*.css ${FOLDER}/*.svg)
list(SORT files)
set(arrays "")
set(table "")
set(number 0)
foreach(name ${files})
  file(READ ${FOLDER}/${name} bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  string(REPEAT "." 96 line)
  string(REGEX REPLACE "(${line})" "\\1\"\n\"" bytes "${bytes}")
  string(APPEND arrays "constexpr char k${number}[] =\n\"${bytes}\";\n")
  string(APPEND table "    {\"${name}\", {k${number}, ${size}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"${HEADER}\"
namespace ringtrain::${NAMESPACE} {
namespace {
${arrays}constexpr WebFile kFiles[] = {
${table}};
}  // namespace
std::span<const WebFile> web_files() { return kFiles; }
}  // namespace ringtrain::${NAMESPACE}
")
