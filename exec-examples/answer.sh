#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program for the backend exec: streams what a command prints, a line an event.
#
#   [backend.exec]
#   commands = { default = ["/usr/local/bin/answer.sh"] }
#
# Its standard output is the client's socket, and the HTTP head is its own to write. When the client has left, the next write
# ends it (SIGPIPE). docs/PROTOCOL.md, "A program in the daemon's place", has the rest.
set -eu

# What is streamed: put your command here. It gets no word of the payload, which is in $HANDOFF_DATA.
job() {
  for step in 1 2 3; do
    echo "Step $step of 3 is done."
  done
}

printf 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n'
# JSON wants no control characters in a text, and a backslash before each quotation mark and backslash.
job | LC_ALL=C sed -u 's/[[:cntrl:]]/ /g; s/[\\"]/\\&/g; s/.*/data: {"content":"&\\n"}\n/'
printf 'data: [DONE]\n\n'
