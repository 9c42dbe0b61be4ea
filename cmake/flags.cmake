# SPDX-License-Identifier: Apache-2.0
# Language level, warnings (errors), hardening and sanitizers for every file of the project.

set(AVER_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize takes them (address,undefined | thread)")
option(AVER_FUZZ "build tests/fuzz as libFuzzer programs (clang)" OFF)
option(AVER_STATIC "only the program aver, linked statically (make static)" OFF)
option(AVER_ANALYZE "gcc's static analyser and stack bounds (slow)" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# A static program says -static-pie itself.
if(NOT AVER_STATIC)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C CXX)
endif()

set(AVER_WARN -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wwrite-strings
    -Wcast-qual -Wcast-align -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wnull-dereference
    -Wdouble-promotion -Wswitch-enum -Wimplicit-fallthrough)
set(AVER_WARN_C -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND AVER_WARN -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
    # Cut text is what snprintf into a bounded buffer is for; where it matters the result is checked.
    list(APPEND AVER_WARN_C -Wjump-misses-init -Wno-format-truncation)
endif()

add_library(aver_flags INTERFACE)
target_include_directories(aver_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(aver_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>
    AVER_VERSION="${PROJECT_VERSION}")
# Inlined library templates set off the null check in C++.
target_compile_options(aver_flags INTERFACE ${AVER_WARN} $<$<COMPILE_LANGUAGE:CXX>:-Wno-null-dereference>
    $<$<COMPILE_LANGUAGE:C>:${AVER_WARN_C}>
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${CMAKE_BINARY_DIR}/=build/
    -fno-strict-aliasing -fno-common -fstack-protector-strong -fstack-clash-protection
    -ftrivial-auto-var-init=zero)
target_link_options(aver_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
    -Wl,--gc-sections)
target_compile_options(aver_flags INTERFACE -ffunction-sections -fdata-sections)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    # clang 14 wants its own consent for zero; it is the same switch.
    target_compile_options(aver_flags INTERFACE
        -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
    # Of these four clang 14 also complains inside macros of system headers and about split hex text.
    target_compile_options(aver_flags INTERFACE -Wno-missing-field-initializers -Wno-cast-qual
        -Wno-double-promotion -Wno-string-concatenation)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(aver_flags INTERFACE -fcf-protection)
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
if(NOT AVER_SANITIZE AND NOT AVER_FUZZ)
    target_compile_options(aver_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(AVER_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "AVER_FUZZ needs clang: cmake --preset fuzz")
    endif()
    target_compile_options(aver_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(aver_flags INTERFACE -fsanitize=address,undefined)
elseif(AVER_SANITIZE)
    target_compile_options(aver_flags INTERFACE -fsanitize=${AVER_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_link_options(aver_flags INTERFACE -fsanitize=${AVER_SANITIZE})
endif()
if(AVER_ANALYZE)
    target_compile_options(aver_flags INTERFACE
        $<$<COMPILE_LANGUAGE:C>:-fanalyzer;-Wstack-usage=32768>)
endif()
