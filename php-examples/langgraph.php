<?php

/**
 * A conversation that LangGraph remembers: this script sends the new message alone, and the thread it belongs to.
 *
 *     POST langgraph.php   {"prompt": "Hello"}
 *
 * The daemon's configuration names the server and the assistant:
 *
 *     [backend.langgraph]
 *     api_base = "http://localhost:2024"
 *     assistant_id = "agent"
 *
 * The client gets the text, as from the other backends; 'format' => 'raw' would give it LangGraph's own events.
 */

declare(strict_types=1);

require __DIR__ . '/SocketHandoff.php';

/** A random UUID, which LangGraph wants for a thread. */
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

// The thread is the session's, and no field of the request: a visitor who could name one would read another's conversation.
session_start();
$_SESSION['thread_id'] ??= new_thread_id();
$thread = $_SESSION['thread_id'];
session_write_close();

SocketHandoff::to(getenv('STREAMING_DAEMON_SOCKET') ?: SocketHandoff::DEFAULT_SOCKET)
    ->with(['backend' => 'langgraph', 'thread_id' => $thread, 'prompt' => $prompt])
    ->send();
