# What `make install` lays down: program, archive, shared library, public
# headers, manual page, completions of three shells, pkg-config file, CMake
# package. All found relative to where they lie, so an installed tree may be
# moved.
install(TARGETS trivium ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS trivium_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS trivium_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/trivium
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.def")

# The program writes its own manual page and completion from its tables.
set(MAN_PAGE ${CMAKE_BINARY_DIR}/trivium.1)
set(COMPLETIONS ${CMAKE_BINARY_DIR}/completions)
set(BASH_COMPLETION ${COMPLETIONS}/trivium)
set(ZSH_COMPLETION ${COMPLETIONS}/_trivium)
set(FISH_COMPLETION ${COMPLETIONS}/trivium.fish)
file(MAKE_DIRECTORY ${COMPLETIONS})
add_custom_command(
  OUTPUT ${MAN_PAGE} ${BASH_COMPLETION} ${ZSH_COMPLETION} ${FISH_COMPLETION}
  COMMAND trivium_cli man > ${MAN_PAGE}
  COMMAND trivium_cli completion bash > ${BASH_COMPLETION}
  COMMAND trivium_cli completion zsh > ${ZSH_COMPLETION}
  COMMAND trivium_cli completion fish > ${FISH_COMPLETION}
  DEPENDS trivium_cli VERBATIM)
add_custom_target(trivium_pages ALL DEPENDS
  ${MAN_PAGE} ${BASH_COMPLETION} ${ZSH_COMPLETION} ${FISH_COMPLETION})
install(FILES ${MAN_PAGE} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${BASH_COMPLETION}
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${ZSH_COMPLETION}
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${FISH_COMPLETION}
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# From the .pc file's folder up to the prefix: lib/pkgconfig, or Debian's
# lib/x86_64-linux-gnu/pkgconfig.
set(PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH PREFIX_FROM_PC /prefix/${PKGCONFIG_DIR} /prefix)
foreach(name trivium trivium-static)
  configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${PKGCONFIG_DIR})
endforeach()

include(CMakePackageConfigHelpers)
set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/trivium)
configure_package_config_file(cmake/trivium-config.cmake.in
  ${CMAKE_BINARY_DIR}/trivium-config.cmake INSTALL_DESTINATION ${PACKAGE_DIR}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/trivium-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/trivium-config.cmake
  ${CMAKE_BINARY_DIR}/trivium-config-version.cmake
  DESTINATION ${PACKAGE_DIR})
