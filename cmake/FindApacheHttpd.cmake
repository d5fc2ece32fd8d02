# SPDX-License-Identifier: Apache-2.0
# Finds Apache httpd 2.4 as its own tools describe it: headers and program by apxs, APR by apr-1-config and apu-1-config.
#
#   ApacheHttpd::headers     what a module compiles with (interface target; system headers, so without their warnings)
#   ApacheHttpd_APXS         the tool that was asked
#   ApacheHttpd_PROGRAM      the server itself, for the tests
#   ApacheHttpd_MODULE_DIR   where the server's own modules are
#   ApacheHttpd_CONFIGURATION_DIR  where httpd.conf or apache2.conf is
#   ApacheHttpd_VERSION      as in the headers

find_program(ApacheHttpd_APXS NAMES apxs apxs2)
find_program(ApacheHttpd_APR_CONFIG NAMES apr-1-config)
find_program(ApacheHttpd_APU_CONFIG NAMES apu-1-config)
mark_as_advanced(ApacheHttpd_APXS ApacheHttpd_APR_CONFIG ApacheHttpd_APU_CONFIG)

function(_apache_httpd_ask result program)
  set(answer "")
  if(program)
    execute_process(COMMAND ${program} ${ARGN} OUTPUT_VARIABLE answer ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  set(${result} "${answer}" PARENT_SCOPE)
endfunction()

_apache_httpd_ask(_httpd_include_dir "${ApacheHttpd_APXS}" -q INCLUDEDIR)
_apache_httpd_ask(_httpd_sbin_dir "${ApacheHttpd_APXS}" -q SBINDIR)
_apache_httpd_ask(_httpd_program_name "${ApacheHttpd_APXS}" -q PROGNAME)
_apache_httpd_ask(ApacheHttpd_MODULE_DIR "${ApacheHttpd_APXS}" -q LIBEXECDIR)
_apache_httpd_ask(ApacheHttpd_CONFIGURATION_DIR "${ApacheHttpd_APXS}" -q SYSCONFDIR)
_apache_httpd_ask(_apr_include_dir "${ApacheHttpd_APR_CONFIG}" --includedir)
_apache_httpd_ask(_apr_cpp_flags "${ApacheHttpd_APR_CONFIG}" --cppflags)
_apache_httpd_ask(_apu_include_dir "${ApacheHttpd_APU_CONFIG}" --includedir)
set(ApacheHttpd_PROGRAM "${_httpd_sbin_dir}/${_httpd_program_name}")

if(EXISTS "${_httpd_include_dir}/ap_release.h")
  set(_httpd_number "#define AP_SERVER_[A-Z]+_NUMBER +([0-9]+)")
  file(STRINGS "${_httpd_include_dir}/ap_release.h" _httpd_numbers REGEX "${_httpd_number}")  # major, minor, patch level
  list(TRANSFORM _httpd_numbers REPLACE "${_httpd_number}.*" "\\1")
  list(JOIN _httpd_numbers "." ApacheHttpd_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ApacheHttpd
  REQUIRED_VARS ApacheHttpd_APXS _httpd_include_dir _apr_include_dir _apu_include_dir
  VERSION_VAR ApacheHttpd_VERSION
  REASON_FAILURE_MESSAGE "install apache2-dev (Debian, Ubuntu) or httpd-devel (Fedora, RHEL)")

if(ApacheHttpd_FOUND AND NOT TARGET ApacheHttpd::headers)
  separate_arguments(_apr_cpp_flags UNIX_COMMAND "${_apr_cpp_flags}")
  add_library(ApacheHttpd::headers INTERFACE IMPORTED)
  target_include_directories(ApacheHttpd::headers SYSTEM INTERFACE
    ${_httpd_include_dir} ${_apr_include_dir} ${_apu_include_dir})
  target_compile_options(ApacheHttpd::headers INTERFACE ${_apr_cpp_flags})
endif()
