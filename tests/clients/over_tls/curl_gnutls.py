# SPDX-License-Identifier: Apache-2.0
"""curl_gnutls.py 1.0|1.1 URL AUTHORITY 1.2|1.3: prints the answer as libcurl with GnuTLS reads it by that version of HTTP, and
that of TLS; exit status 0 only if it ended as it should. Debian builds pycurl with GnuTLS, and the program curl with OpenSSL.
"""

import sys

import pycurl

HTTP = {"1.0": pycurl.CURL_HTTP_VERSION_1_0, "1.1": pycurl.CURL_HTTP_VERSION_1_1}
TLS = {"1.2": pycurl.SSLVERSION_TLSv1_2 | pycurl.SSLVERSION_MAX_TLSv1_2,
       "1.3": pycurl.SSLVERSION_TLSv1_3 | pycurl.SSLVERSION_MAX_TLSv1_3}


def show(received):
    sys.stdout.buffer.write(received)
    sys.stdout.buffer.flush()


http, url, authority, version = sys.argv[1:]
assert "GnuTLS" in pycurl.version, pycurl.version
curl = pycurl.Curl()
curl.setopt(pycurl.URL, url)
curl.setopt(pycurl.CAINFO, authority)
curl.setopt(pycurl.SSLVERSION, TLS[version])
curl.setopt(pycurl.HTTP_VERSION, HTTP[http])
curl.setopt(pycurl.SSL_ENABLE_ALPN, http != "1.0")  # mod_ssl refuses "http/1.0"
curl.setopt(pycurl.FAILONERROR, True)
curl.setopt(pycurl.WRITEFUNCTION, show)
curl.perform()
