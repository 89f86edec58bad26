# SPDX-License-Identifier: Apache-2.0
# Outside libraries by module: every one is a Debian package named in tools/packages.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(NARU_LIBRARIES_base Threads::Threads m)
macro(naru_library module) # naru_library(codec zlib libzstd ...): pkg-config names
    foreach(name IN ITEMS ${ARGN})
        if(NOT TARGET PkgConfig::pc_${name})
            pkg_check_modules(pc_${name} REQUIRED IMPORTED_TARGET GLOBAL ${name})
        endif()
        list(APPEND NARU_LIBRARIES_${module} PkgConfig::pc_${name})
    endforeach()
endmacro()
naru_library(codec zlib libzstd)
naru_library(text libpcre2-8)
list(APPEND NARU_LIBRARIES_text unistring) # has no pkg-config file
list(APPEND NARU_LIBRARIES_text unistring) # has no pkg-config file
naru_library(os libevent libevent_pthreads)
naru_library(index libzstd)
list(APPEND NARU_LIBRARIES_index unistring) # has no pkg-config file
naru_library(server libmicrohttpd)
naru_library(pipeline libcurl yaml-0.1 sqlite3)
naru_library(sim libwebsockets)
naru_library(pipeline libwebsockets)
naru_library(ship yaml-0.1)
naru_library(pipeline libcrypto) # digests of the fingerprint filter
