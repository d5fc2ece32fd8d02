<?php
// SPDX-License-Identifier: Apache-2.0
// A daemon of another make, as the documents of those that exist describe them: takes the client, answers it, and never
// acknowledges.
//
//   other-daemon.php SOCKET stream|seqpacket MANNER [unframed|chunked|cut]
//
// MANNER is when it closes the hand-off's connection: at-once, before it answers; after-the-answer; without-reading, as a
// daemon that dies with hand-offs in its queue; after-the-word, which acknowledges the first hand-off and closes without
// a word from then on, as a daemon of ours that crashes. The last argument is how it frames its answer: cut is in chunks,
// without the last one.

declare(strict_types=1);

const MAX_DATA_BYTES = 1 << 20;

function receive(Socket $connection): array
{
    $message = ['buffer_size' => MAX_DATA_BYTES, 'controllen' => socket_cmsg_space(SOL_SOCKET, SCM_RIGHTS, 1)];
    socket_recvmsg($connection, $message, 0);
    return [$message['iov'][0], $message['control'][0]['data'][0]];
}

function chunk(string $text): string
{
    return dechex(strlen($text)) . "\r\n$text\r\n";
}

function answer(Socket $client, string $data): void
{
    global $framing;
    $events = ["data: $data\n\n", "data: [DONE]\n\n"];
    $body = $framing === 'unframed' ? implode($events) : implode(array_map('chunk', $events));
    $answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
        . ($framing === 'unframed' ? '' : "Transfer-Encoding: chunked\r\n")
        . "\r\n$body" . ($framing === 'chunked' ? "0\r\n\r\n" : '');
    while ($answer !== '') {
        $answer = substr($answer, socket_write($client, $answer));
    }
}

/** For the module, if it took the closed connection for a refusal. */
function give_others_time_to_answer(Socket $client): void
{
    $readable = [$client];
    $none = null;
    socket_select($readable, $none, $none, 0, 200_000);
}

[, $path, $type, $manner] = $argv;
$framing = $argv[4] ?? 'unframed';
$listener = socket_create(AF_UNIX, $type === 'stream' ? SOCK_STREAM : SOCK_SEQPACKET, 0);
socket_bind($listener, $path);
chmod($path, 0666);
socket_listen($listener, 64);

for ($handoff = 1; $connection = socket_accept($listener); ++$handoff) {
    if ($manner === 'without-reading') {
        socket_close($connection);
        continue;
    }
    [$data, $client] = receive($connection);
    if ($manner === 'after-the-word') {
        if ($handoff === 1) {
            socket_write($connection, 'A');
            answer($client, $data);
        }
    } elseif ($manner === 'at-once') {
        socket_close($connection);
        give_others_time_to_answer($client);
        answer($client, $data);
    } else {
        answer($client, $data);
    }
    unset($connection, $client);
}
