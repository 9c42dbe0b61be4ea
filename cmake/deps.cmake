# SPDX-License-Identifier: Apache-2.0
# Outside libraries: the system's by pkg-config, llama.cpp from the prefix that tools/setup builds.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(AVER_STATIC)
    # Debian's libcurl.a wants GSSAPI and LDAP, which have no archives: tools/setup builds a small one,
    # which asks c-ares for names, for the C library's resolver loads shared objects.
    execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/setup --print-curl-prefix
                    OUTPUT_VARIABLE curl_prefix OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(ENV{PKG_CONFIG_PATH} ${curl_prefix}/lib/pkgconfig)
    set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()
foreach(dep IN ITEMS libcrypto libssl libsecp256k1 jansson libevent libevent_openssl libcurl libseccomp)
    pkg_check_modules(${dep} IMPORTED_TARGET ${dep})
    if(NOT ${dep}_FOUND)
        message(FATAL_ERROR "library ${dep} is missing: run tools/setup --deps")
    endif()
endforeach()
if(AVER_STATIC)
    # Archives do not name what they need: these four are searched until nothing is missing.
    find_library(AVER_CARES_LIB cares REQUIRED)
    find_library(AVER_SSL_LIB ssl REQUIRED)
    find_library(AVER_CRYPTO_LIB crypto REQUIRED)
    set(tls_archives
        ${curl_prefix}/lib/libcurl.a,${AVER_CARES_LIB},${AVER_SSL_LIB},${AVER_CRYPTO_LIB})
    set(tls_group $<LINK_GROUP:RESCAN,${tls_archives}>)
    foreach(dep IN ITEMS libcurl libssl libcrypto)
        # What libcurl.pc says beside that names shared objects.
        set_target_properties(PkgConfig::${dep} PROPERTIES INTERFACE_LINK_OPTIONS ""
            INTERFACE_LINK_LIBRARIES "${tls_group}")
    endforeach()
    set_property(TARGET PkgConfig::libevent_openssl APPEND PROPERTY
        INTERFACE_LINK_LIBRARIES PkgConfig::libevent PkgConfig::libssl)
endif()
pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
pkg_check_modules(libcbor IMPORTED_TARGET libcbor)
if(NOT libcbor_FOUND)
    # Older packages of libcbor bring no .pc file.
    find_library(AVER_CBOR_LIB cbor)
    if(AVER_CBOR_LIB)
        add_library(PkgConfig::libcbor INTERFACE IMPORTED)
        target_link_libraries(PkgConfig::libcbor INTERFACE ${AVER_CBOR_LIB})
    endif()
endif()

if(NOT AVER_LLAMA_PREFIX)
    execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/setup --print-llama-prefix
                    OUTPUT_VARIABLE llama_prefix OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(AVER_LLAMA_PREFIX ${llama_prefix} CACHE PATH "llama.cpp as tools/setup installs it" FORCE)
endif()
if(NOT EXISTS ${AVER_LLAMA_PREFIX}/lib/libllama.a)
    message(FATAL_ERROR "llama.cpp is not at '${AVER_LLAMA_PREFIX}': run tools/setup --deps")
endif()
set(llama_archives)
foreach(name IN ITEMS llama-common llama-common-base vendor-hash cpp-httplib llama ggml ggml-cpu ggml-base)
    if(EXISTS ${AVER_LLAMA_PREFIX}/lib/lib${name}.a)
        list(APPEND llama_archives ${AVER_LLAMA_PREFIX}/lib/lib${name}.a)
    endif()
endforeach()
file(STRINGS ${AVER_LLAMA_PREFIX}/lib/pkgconfig/llama.pc llama_pc REGEX "^Version:")
string(REGEX REPLACE "^Version:[ ]*" "" AVER_LLAMA_VERSION "${llama_pc}")
add_library(aver_llama INTERFACE)
target_include_directories(aver_llama SYSTEM INTERFACE ${AVER_LLAMA_PREFIX}/include
    ${AVER_LLAMA_PREFIX}/include/llama-common)
target_compile_definitions(aver_llama INTERFACE AVER_LLAMA_VERSION="${AVER_LLAMA_VERSION}")
target_link_libraries(aver_llama INTERFACE ${llama_archives} stdc++ m Threads::Threads ${CMAKE_DL_LIBS})
