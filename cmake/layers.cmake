# SPDX-License-Identifier: Apache-2.0
# One static library a layer, from src/<layer>/*.c by glob. A layer links the layers before it.
# main*.c are programs (cmake/programs.cmake); sim*.c of attest and tee go to archives of their own.

set(AVER_LAYERS base codec crypto attest tee clock receipt model engine net store chain
    node dispatcher agent validator challenger cli)

set(deps_base PkgConfig::libcrypto PkgConfig::jansson Threads::Threads m)
set(deps_codec PkgConfig::jansson)
set(deps_crypto PkgConfig::libcrypto PkgConfig::libsecp256k1)
set(deps_engine aver_llama PkgConfig::libseccomp)
set(deps_net PkgConfig::libssl PkgConfig::libevent PkgConfig::libevent_openssl PkgConfig::libcurl)
set(deps_node PkgConfig::libseccomp)

# A library of these sources, or an empty one to link against while the layer has none.
function(aver_library name layer)
    set(sources ${ARGN})
    if(sources)
        add_library(${name} STATIC ${sources})
        target_link_libraries(${name} PUBLIC aver_flags ${deps_${layer}})
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE aver_flags ${deps_${layer}})
    endif()
endfunction()

function(aver_link name)
    get_target_property(type ${name} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
        target_link_libraries(${name} INTERFACE ${ARGN})
    else()
        target_link_libraries(${name} PUBLIC ${ARGN})
    endif()
endfunction()

set(before)
foreach(layer IN LISTS AVER_LAYERS)
    set(dir ${CMAKE_SOURCE_DIR}/src/${layer})
    file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.c)
    file(GLOB mains CONFIGURE_DEPENDS ${dir}/main*.c)
    set(sims)
    if(layer MATCHES "^(attest|tee)$")
        file(GLOB sims CONFIGURE_DEPENDS ${dir}/sim*.c)
    elseif(layer STREQUAL "engine")
        file(GLOB cxx CONFIGURE_DEPENDS ${dir}/*.cpp)
        list(APPEND sources ${cxx})
    endif()
    if(mains OR sims)
        list(REMOVE_ITEM sources ${mains} ${sims})
    endif()
    set(AVER_MAIN_${layer} ${mains})
    aver_library(aver_${layer} ${layer} ${sources})
    if(before)
        aver_link(aver_${layer} aver_${before})
    endif()
    set(before ${layer})
    if(layer MATCHES "^(attest|tee)$")
        aver_library(aver_${layer}_sim ${layer} ${sims})
        aver_link(aver_${layer}_sim aver_${layer})
    endif()
endforeach()
aver_link(aver_tee_sim aver_attest_sim)

# The sampler decides tokens that others recompute: no contraction, no reassociation.
# -fno-trapping-math only gives up floating-point traps, so that the loops use vector instructions.
file(GLOB samplers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/engine/sampler*.c)
if(samplers)
    set_source_files_properties(${samplers} PROPERTIES COMPILE_OPTIONS
        "-O3;-ffp-contract=off;-fno-fast-math;-fno-trapping-math")
endif()
