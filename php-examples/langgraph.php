<?php
// SPDX-License-Identifier: Apache-2.0

/**
 * A conversation that LangGraph remembers: this script sends only the new message, and the thread that it belongs to.
 *
 *     POST langgraph.php   {"prompt": "Hello"}
 *
 * The daemon's configuration names the server and the assistant:
 *
 *     [backend.langgraph]
 *     api_base = "http://localhost:2024"
 *     assistant_id = "agent"
 *
 * The client gets the text, in the same format as from the other backends. With 'format' => 'raw' it gets LangGraph's own
 * events instead.
 */

declare(strict_types=1);

use SocketHandoff\Handoff;

require __DIR__ . '/../php/Handoff.php'; // or Composer's vendor/autoload.php

/** A random UUID: LangGraph accepts no other name for a thread. */
function new_thread_id(): string
{
    $bytes = random_bytes(16);
    $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x40);
    $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);
    return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
}

$request = json_decode(file_get_contents('php://input', length: 64 * 1024), true);
$prompt = $request['prompt'] ?? null;
if (!is_string($prompt) || trim($prompt) === '') {
    http_response_code(400);
    header('Content-Type: application/json');
    echo json_encode(['error' => 'Send {"prompt": "..."}.']), "\n";
    exit;
}

// The session has the thread's id. If the request could name it, a visitor could read another visitor's conversation.
session_start();
$_SESSION['thread_id'] ??= new_thread_id();
$thread = $_SESSION['thread_id'];
session_write_close();

Handoff::to(getenv('STREAMING_DAEMON_SOCKET') ?: Handoff::DEFAULT_SOCKET)
    ->with(['backend' => 'langgraph', 'thread_id' => $thread, 'prompt' => $prompt])
    ->send();
