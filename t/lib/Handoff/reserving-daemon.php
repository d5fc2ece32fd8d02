<?php
// SPDX-License-Identifier: Apache-2.0
// A daemon that keeps a place for each client, and does between the two messages what the payload asks for:
//
//   reserving-daemon.php SOCKET LOG
//
//   {"waits_for":"FILE"}        does not answer the reservation before there is such a file
//   {"refuses":429}             refuses the reservation with this status
//   {"refuses_client":true}     refuses the client with 503, with no place anywhere else
//   {"leaves":true}             closes the connection between the two messages
//   {"relays":true}             takes clients only through Apache
//
// It writes a line of JSON to LOG for each client: the section HTTP/2 of its connection part, that it is relayed, or that its
// place was given up; before that, that it waits. It answers by HTTP/2 if it has the connection, otherwise by HTTP/1.1.

declare(strict_types=1);

const RESERVATION_BYTES = 8;
const SECTION_HTTP2 = 2;
const BODY = "data: {\"content\":\"reserved\"}\n\ndata: [DONE]\n\n";

function receive(Socket $connection): array
{
    $message = ['buffer_size' => 1 << 20, 'controllen' => socket_cmsg_space(SOL_SOCKET, SCM_RIGHTS, 1)];
    if (socket_recvmsg($connection, $message, 0) <= 0) {
        return ['', null];
    }
    return [$message['iov'][0], $message['control'][0]['data'][0] ?? null];
}

/** The sections of a connection part, by their kind. */
function sections(string $message): array
{
    $sections = [];
    $end = unpack('n', $message, 2)[1];
    for ($at = 4; $at < $end; $at += 4 + $length) {
        ['kind' => $kind, 'length' => $length] = unpack('Ckind/x/nlength', $message, $at);
        $sections[$kind] = substr($message, $at + 4, $length);
    }
    return $sections;
}

function http2_state(string $section): array
{
    $state = unpack('Nstream/Nhighest/Nconnection_window/Nstream_window/Ninitial_window/Nmax_frame', $section);
    return $state + ['frames' => bin2hex(substr($section, 24))];
}

function frame(int $type, int $flags, int $stream, string $payload): string
{
    return substr(pack('N', strlen($payload)), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

function http2_answer(int $stream): string
{
    // A dynamic table of size 0, and :status 200 of the static one.
    return frame(1, 4, $stream, "\x20\x88") . frame(0, 1, $stream, BODY) . frame(7, 0, 0, pack('NN', $stream, 0));
}

function http1_answer(): string
{
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: of=daemon\r\nTransfer-Encoding: chunked\r\n"
        . "\r\n" . dechex(strlen(BODY)) . "\r\n" . BODY . "\r\n0\r\n\r\n";
}

function refusal(int $status): string
{
    return 'R' . json_encode(['status' => $status, 'connection' => 2]);
}

function wait_until_closed(Socket $connection): void
{
    $readable = [$connection];
    $none = null;
    socket_select($readable, $none, $none, 5);
}

function serve(Socket $connection, $log): void
{
    [$reservation, $client] = receive($connection);
    if ($client) {
        take($connection, $client, null, $log);
        return;
    }
    $wishes = json_decode(substr($reservation, RESERVATION_BYTES), true);
    if (isset($wishes['waits_for'])) {
        fwrite($log, json_encode(['waits' => true]) . "\n");
    }
    while (isset($wishes['waits_for']) && !file_exists($wishes['waits_for'])) {
        usleep(5_000);
    }
    if (isset($wishes['leaves'])) {
        socket_write($connection, 'A');
        return;
    }
    if (isset($wishes['refuses'])) {
        socket_write($connection, refusal($wishes['refuses']));
        wait_until_closed($connection);
        return;
    }
    socket_write($connection, isset($wishes['relays']) ? 'A{"relay":true}' : 'A');
    [$message, $client] = receive($connection);
    if (!$client) {
        fwrite($log, json_encode(['given_up' => true]) . "\n");
        return;
    }
    $http2 = $message[0] === "\x01" ? http2_state(sections($message)[SECTION_HTTP2]) : null;
    if (isset($wishes['refuses_client'])) {
        fwrite($log, json_encode($http2) . "\n");
        socket_write($connection, refusal(503));
        wait_until_closed($connection);
        return;
    }
    take($connection, $client, $http2, $log);
}

function take(Socket $connection, Socket $client, ?array $http2, $log): void
{
    fwrite($log, json_encode($http2 ?? ['relayed' => true]) . "\n");
    socket_write($connection, 'A');
    socket_close($connection);
    socket_write($client, $http2 ? http2_answer($http2['stream']) : http1_answer());
    socket_shutdown($client, 1);
    wait_until_closed($client);
}

[, $path, $log] = $argv;
pcntl_signal(SIGCHLD, SIG_IGN);
$listener = socket_create(AF_UNIX, SOCK_SEQPACKET, 0);
socket_bind($listener, $path);
chmod($path, 0666);
socket_listen($listener, 64);
while ($connection = socket_accept($listener)) {
    if (pcntl_fork() === 0) {
        serve($connection, fopen($log, 'a'));
        exit(0);
    }
    socket_close($connection);
}
