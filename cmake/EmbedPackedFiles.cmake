# SPDX-License-Identifier: Apache-2.0
# Packs files and writes them into a C++ file, as the table that server/api/docs_files.hpp declares:
#   cmake -DFILES="a.js;b.css" -DOUTPUT=docs_files.cpp -P cmake/EmbedPackedFiles.cmake
# The assembler takes the bytes: a string literal of half a megabyte would take the compiler seconds.
set(symbols "")
set(declarations "")
set(table "")
set(number 0)
get_filename_component(folder ${OUTPUT} DIRECTORY)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  execute_process(COMMAND gzip -9n INPUT_FILE ${file} OUTPUT_FILE ${folder}/${name}.gz COMMAND_ERROR_IS_FATAL ANY)
  set(symbol "ringtrain_docs_${number}")
  string(APPEND symbols "asm(\".section .rodata\\n.global ${symbol}, ${symbol}_end\\n${symbol}:\\n\"
    \".incbin \\\"${folder}/${name}.gz\\\"\\n${symbol}_end:\\n.byte 0\\n.previous\\n\");\n")
  string(APPEND declarations "extern const char ${symbol}[];\nextern const char ${symbol}_end[];\n")
  string(APPEND table "      {\"${name}\", {}, {${symbol}, static_cast<size_t>(${symbol}_end - ${symbol})}},\n")
  math(EXPR number "${number} + 1")
endforeach()
if(number EQUAL 0)
  set(body "  return {};")
else()
  set(body "  static const net::EmbeddedFile files[] = {\n${table}  };\n  return files;")
endif()
file(WRITE ${OUTPUT} "#include \"server/api/docs_files.hpp\"
${symbols}extern \"C\" {
${declarations}}
namespace ringtrain::server {
std::span<const net::EmbeddedFile> docs_files() {
${body}
}
}  // namespace ringtrain::server
")
