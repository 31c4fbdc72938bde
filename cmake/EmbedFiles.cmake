# SPDX-License-Identifier: Apache-2.0
# Writes the files of a folder, plain and packed, into a C++ file, as the table that a header declares, in a namespace
# of ringtrain:
#   cmake -DFOLDER=server/web -DHEADER=server/api/web_files.hpp -DNAMESPACE=server -DOUTPUT=web_files.cpp
#         -P cmake/EmbedFiles.cmake
# Adds the bytes of a file to `arrays`.
function(add_array name file)
  file(READ ${file} bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  string(REPEAT "." 96 line)
  string(REGEX REPLACE "(${line})" "\\1\"\n\"" bytes "${bytes}")
  set(arrays "${arrays}constexpr char ${name}[] =\n\"${bytes}\";\n" PARENT_SCOPE)
  set(size ${size} PARENT_SCOPE)
endfunction()

file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/*.html ${FOLDER}/*.js ${FOLDER}/*.css ${FOLDER}/*.svg)
list(SORT files)
set(arrays "")
set(table "")
set(number 0)
foreach(name ${files})
  execute_process(COMMAND gzip -9n INPUT_FILE ${FOLDER}/${name} OUTPUT_FILE ${OUTPUT}.gz COMMAND_ERROR_IS_FATAL ANY)
  add_array(k${number} ${FOLDER}/${name})
  set(plain_size ${size})
  add_array(kPacked${number} ${OUTPUT}.gz)
  string(APPEND table "    {\"${name}\", {k${number}, ${plain_size}}, {kPacked${number}, ${size}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(REMOVE ${OUTPUT}.gz)
file(WRITE ${OUTPUT} "#include \"${HEADER}\"
namespace ringtrain::${NAMESPACE} {
namespace {
${arrays}constexpr net::EmbeddedFile kFiles[] = {
${table}};
}  // namespace
std::span<const net::EmbeddedFile> web_files() { return kFiles; }
}  // namespace ringtrain::${NAMESPACE}
")
