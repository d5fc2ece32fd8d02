// SPDX-License-Identifier: Apache-2.0

// client PARAMETERS: the visits (see visits.mjs) by net/http.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

type ended struct {
	Path         string  `json:"path"`
	Status       int     `json:"status"`
	Body         string  `json:"body"`
	Milliseconds float64 `json:"milliseconds"`
	Error        string  `json:"error,omitempty"`
}

type visitor struct {
	Origin, Name, Payload, Authority string
	Count, Burst                     int

	client *http.Client
	mutex  sync.Mutex
	all    []ended
}

func (v *visitor) ask(ctx context.Context, method, path, payload string, begun func()) {
	start := time.Now()
	status, body, err := v.exchange(ctx, method, path, payload, begun)
	end := ended{Path: path, Status: status, Body: body, Milliseconds: float64(time.Since(start).Microseconds()) / 1000}
	if err != nil {
		end.Error = err.Error()
	}
	v.mutex.Lock()
	v.all = append(v.all, end)
	v.mutex.Unlock()
	begun()
}

func (v *visitor) exchange(ctx context.Context, method, path, payload string, begun func()) (int, string, error) {
	var body io.Reader
	target := v.Origin + path
	if method == "POST" {
		body = strings.NewReader(payload)
	} else if strings.HasPrefix(path, "/answer/") {
		target += "?payload=" + url.QueryEscape(payload)
	}
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return 0, "", err
	}
	answer, err := v.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	var text strings.Builder
	piece := make([]byte, 4096)
	for {
		length, err := answer.Body.Read(piece)
		text.Write(piece[:length])
		if err == io.EOF {
			return answer.StatusCode, text.String(), nil
		}
		if err != nil {
			return answer.StatusCode, text.String(), err
		}
		begun()
	}
}

func (v *visitor) page(method, name string) {
	v.ask(context.Background(), method, "/page/"+v.Name+name, v.Payload, func() {})
}

func concurrently(group *sync.WaitGroup, work func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		work()
	}()
}

func (v *visitor) visit(i int) {
	method := []string{"GET", "POST"}[i%2]
	v.page(method, fmt.Sprintf("-%d-before", i))
	var once sync.Once
	var during sync.WaitGroup
	v.ask(context.Background(), method, fmt.Sprintf("/answer/%s-%d", v.Name, i), v.Payload, func() {
		once.Do(func() { concurrently(&during, func() { v.page(method, fmt.Sprintf("-%d-during", i)) }) })
	})
	during.Wait()
	v.page(method, fmt.Sprintf("-%d-after", i))
}

func main() {
	v := visitor{}
	if err := json.Unmarshal([]byte(os.Args[1]), &v); err != nil {
		log.Fatal(err)
	}
	certificate, err := os.ReadFile(v.Authority)
	if err != nil {
		log.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(certificate)
	v.client = &http.Client{Transport: transport(strings.HasPrefix(v.Origin, "https:"), &tls.Config{RootCAs: authorities})}

	for i := range v.Count {
		v.visit(i)
	}
	ctx, stop := context.WithCancel(context.Background())
	v.ask(ctx, "GET", "/answer/"+v.Name+"-stopped", `{"backend":"hold"}`, stop)
	v.page("GET", "-stopped-after")
	var burst sync.WaitGroup
	for i := range v.Burst {
		concurrently(&burst, func() {
			v.ask(context.Background(), "GET", fmt.Sprintf("/answer/%s-burst-%d", v.Name, i), v.Payload, func() {})
		})
	}
	burst.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(v.all); err != nil {
		log.Fatal(err)
	}
}

// By HTTP/2 alone: over TLS, or without by prior knowledge.
func transport(encrypted bool, config *tls.Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(encrypted)
	protocols.SetUnencryptedHTTP2(!encrypted)
	return &http.Transport{TLSClientConfig: config, Protocols: protocols}
}
