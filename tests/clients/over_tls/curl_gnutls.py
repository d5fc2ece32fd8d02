# SPDX-License-Identifier: Apache-2.0
"""curl_gnutls.py 1.0|1.1 URL AUTHORITY 1.2|1.3: reads the answer by that version of HTTP, and that of TLS, with the GnuTLS
build of libcurl, for which Debian has no program.

It writes the answer to the standard output by itself. The exit status is libcurl's CURLcode.
"""

import ctypes
import sys

# Options of curl/curl.h.
URL, CAINFO, SSLVERSION, SSL_ENABLE_ALPN, HTTP_VERSION, FAILONERROR, VERBOSE = 10002, 10065, 32, 226, 84, 45, 41
HTTP = {"1.0": 1, "1.1": 2}
TLS = {"1.2": 6 | 6 << 16, "1.3": 7 | 7 << 16}  # CURL_SSLVERSION_TLSv1_x | CURL_SSLVERSION_MAX_TLSv1_x

http, url, authority, version = sys.argv[1:]
curl = ctypes.CDLL("libcurl-gnutls.so.4")
curl.curl_version.restype = ctypes.c_char_p
assert b"GnuTLS" in curl.curl_version(), curl.curl_version()
curl.curl_easy_init.restype = ctypes.c_void_p
easy = ctypes.c_void_p(curl.curl_easy_init())
for option, value in ((URL, url.encode()), (CAINFO, authority.encode()), (SSLVERSION, ctypes.c_long(TLS[version])),
                      (HTTP_VERSION, ctypes.c_long(HTTP[http])), (SSL_ENABLE_ALPN, ctypes.c_long(http != "1.0")),
                      (FAILONERROR, ctypes.c_long(1)), (VERBOSE, ctypes.c_long(1))):
    assert curl.curl_easy_setopt(easy, option, value) == 0, option
# libcurl writes by C's stdio, which would keep the events back.
ctypes.CDLL(None).setvbuf(ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stdout"), None, 2, 0)
sys.exit(curl.curl_easy_perform(easy))
