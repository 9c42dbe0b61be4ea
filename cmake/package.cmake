# SPDX-License-Identifier: Apache-2.0
# libaver: formats and verifier as one archive, without network, threads or simulator; and what
# `make install` puts where. The components are those of the Debian packages: aver, node, dev.

file(RELATIVE_PATH AVER_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)

set(libaver_objects)
foreach(layer IN ITEMS base codec crypto attest receipt)
    get_target_property(type aver_${layer} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
        list(APPEND libaver_objects $<TARGET_OBJECTS:aver_${layer}>)
    endif()
endforeach()
if(libaver_objects)
    add_library(libaver STATIC ${libaver_objects})
    set_target_properties(libaver PROPERTIES OUTPUT_NAME aver LINKER_LANGUAGE C)
    install(TARGETS libaver ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
endif()
# The simulator's verifier, apart: who links it may name a simulator root.
if(TARGET aver_attest_sim)
    add_library(libaver_sim STATIC $<TARGET_OBJECTS:aver_attest_sim>)
    set_target_properties(libaver_sim PROPERTIES OUTPUT_NAME aver-sim LINKER_LANGUAGE C)
    install(TARGETS libaver_sim ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/aver-sim.pc.in ${CMAKE_BINARY_DIR}/aver-sim.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/aver-sim.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT dev)
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/aver.pc.in ${CMAKE_BINARY_DIR}/aver.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/aver.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT dev)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/aver DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(TARGETS aver RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT aver)
install(TARGETS aver-node aver-node-sim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT node)

install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    COMPONENT aver FILES_MATCHING PATTERN "*.1")
install(FILES ${CMAKE_BINARY_DIR}/man/aver-policy.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5
    COMPONENT aver)
install(FILES ${CMAKE_BINARY_DIR}/man/aver-node.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5
    COMPONENT node)
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man8
    COMPONENT node FILES_MATCHING PATTERN "*.8")

set(completion_bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${CMAKE_BINARY_DIR}/completion/aver.bash DESTINATION ${completion_bash} RENAME aver
    COMPONENT aver)
# bash looks for a file of the name of the command.
foreach(name IN ITEMS aver-node aver-node-sim)
    install(CODE "file(CREATE_LINK aver
        \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${completion_bash}/${name} SYMBOLIC)" COMPONENT aver)
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/completion/aver.zsh
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _aver COMPONENT aver)
install(FILES ${CMAKE_BINARY_DIR}/completion/aver.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT aver)

install(FILES LICENSE README.md ARCHITECTURE.md SECURITY.md
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/aver COMPONENT aver)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/aver/docs COMPONENT aver
    FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)
install(FILES deploy/grafana/aver-node.json DESTINATION ${CMAKE_INSTALL_DATADIR}/aver/grafana
    COMPONENT node)
install(FILES deploy/node.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/aver COMPONENT node)

# The folders are known when it is installed; settings that are there already stay.
set(install_folders "
    set(bindir \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR})
    set(sysconfdir \${CMAKE_INSTALL_PREFIX}/etc)
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
        set(sysconfdir /etc)
    endif()")
function(aver_install_unit name folder component)
    install(CODE "${install_folders}
        set(unit ${CMAKE_BINARY_DIR}/units/${name})
        configure_file(${CMAKE_SOURCE_DIR}/deploy/systemd/${name}.in \${unit} @ONLY)
        file(INSTALL \${unit} DESTINATION \${CMAKE_INSTALL_PREFIX}/lib/systemd/${folder})"
        COMPONENT ${component})
endfunction()
aver_install_unit(aver-node.service system node)
aver_install_unit(aver-proxy.service user aver)
install(CODE "${install_folders}
    if(NOT EXISTS \$ENV{DESTDIR}\${sysconfdir}/aver/node.conf)
        file(INSTALL ${CMAKE_SOURCE_DIR}/deploy/node.conf DESTINATION \${sysconfdir}/aver)
    endif()" COMPONENT node)

# All of the above and nothing else, for make install and make deb.
add_custom_target(installed DEPENDS aver aver-node aver-node-sim libaver libaver_sim manual)
