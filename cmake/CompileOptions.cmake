# SPDX-License-Identifier: Apache-2.0
# Warnings and sanitizers for every target of this project.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow)  # GCC 12 warns of std::string itself (its PR 105651)
endif()
# Packages turn it off: they are built by compilers that are not known yet.
set(CMAKE_COMPILE_WARNING_AS_ERROR ON CACHE BOOL "Whether a warning fails the build")

if(SANITIZE)
  # Not the check of virtual tables: it opens a pipe, which a test that has used up its descriptors cannot.
  add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SANITIZE})
endif()

# PGO=generate builds programs that count what they do, and write that to the build directory when they end; PGO=use, in the same
# build directory, optimises by it. CONTRIBUTING.md has the commands.
set(PGO "" CACHE STRING "Profile-guided optimisation: generate, or use")
if(PGO)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU OR NOT PGO MATCHES "^(generate|use)$")
    message(FATAL_ERROR "PGO must be generate or use, and the compiler GCC")
  endif()
  add_compile_options(-fprofile-${PGO} -fprofile-update=atomic -fprofile-dir=${CMAKE_BINARY_DIR} -Wno-missing-profile)
  add_link_options(-fprofile-${PGO})
  set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)  # what is inlined then gives rise to false ones
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# Most of a file's time is its headers: in batches the whole takes half the time. Names in unnamed namespaces are
# therefore unique within a target. A source still builds alone: -DCMAKE_UNITY_BUILD=OFF must build as well.
set(CMAKE_UNITY_BUILD ON CACHE BOOL "Whether a target's files are compiled in batches")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8 CACHE STRING "Files in a batch; 0: all of a target")

# precompile(TARGET OWNER HEADER...): TARGET's files read HEADERs from one precompiled header, which OWNER, TARGET itself
# or an earlier target with the same compile options, builds. Sources still include what they use:
# -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON must build as well.
function(precompile target owner)
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# The tests' own code need not be fast; what it tests is built as the preset says. This halves the time that it takes to
# build them.
set(TEST_COMPILE_OPTIONS -O0 -g1 -UNDEBUG)
# Of the files that include CLI11, all of whose code is in its header; they run once, at start.
set(COMMAND_LINE_COMPILE_OPTIONS -O0 -g1)
