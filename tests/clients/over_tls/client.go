// SPDX-License-Identifier: Apache-2.0

// client URL AUTHORITY 1.2|1.3: prints the answer as net/http reads it; exit status 0 only if it ended as it should.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	url, authority := os.Args[1], os.Args[2]
	version := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[os.Args[3]]
	certificate, err := os.ReadFile(authority)
	if err != nil {
		log.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(certificate)
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: authorities, MinVersion: version, MaxVersion: version},
		ForceAttemptHTTP2: true, // as without a configuration of its own
	}}
	answer, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}
