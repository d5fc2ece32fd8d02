<?php

/**
 * The chat's endpoint: decides who may ask what, and leaves the answer to streaming-daemon.
 *
 *     POST chat.php   {"prompt": "Hello"}   or   {"messages": [{"role": "user", "content": "Hello"}, ...]}
 *
 * Answers with Server-Sent Events, by the daemon, or with {"error": "..."} and a status of 4xx, by this script.
 */

declare(strict_types=1);

require __DIR__ . '/SocketHandoff.php';

const MAX_BODY_BYTES = 256 * 1024;
const MAX_MESSAGES = 50;

/** Ends the request with an error. */
function refuse(int $status, string $error, string ...$headers): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    array_map('header', $headers);
    echo json_encode(['error' => $error]), "\n";
    exit;
}

/**
 * Who asks. The place of your session or single sign-on: this one knows a single token, that of the environment
 * variable CHAT_TOKEN (Apache's `SetEnv`). Apache passes the client's on to PHP-FPM with `CGIPassAuth On` alone.
 */
function authenticated_user(): string
{
    $token = getenv('CHAT_TOKEN');
    if ($token === false || $token === '') {
        refuse(500, 'The environment variable CHAT_TOKEN is not set.');
    }
    if (!hash_equals("Bearer $token", $_SERVER['HTTP_AUTHORIZATION'] ?? '')) {
        refuse(401, 'Send a valid token.', 'WWW-Authenticate: Bearer');
    }
    return 'demo-user';
}

/** @return list<array{role: string, content: string}> the end of the conversation, its newest message last */
function requested_messages(): array
{
    $body = file_get_contents('php://input', length: MAX_BODY_BYTES + 1);
    if (strlen($body) > MAX_BODY_BYTES) {
        refuse(413, 'The conversation is too long.');
    }
    $request = json_decode($body, true);
    if (!is_array($request)) {
        refuse(400, 'Send a JSON object.');
    }
    $messages = $request['messages'] ?? [['role' => 'user', 'content' => $request['prompt'] ?? null]];
    if (!is_array($messages) || $messages === [] || !array_is_list($messages)) {
        refuse(400, '"messages" must be a list of at least one message.');
    }
    return array_map(requested_message(...), array_slice($messages, -MAX_MESSAGES));
}

/** @return array{role: string, content: string} */
function requested_message(mixed $message): array
{
    $role = $message['role'] ?? null;
    $content = $message['content'] ?? null;
    // Not "system": what the assistant is told to be is for the site to say, not for its visitors.
    if (!in_array($role, ['user', 'assistant'], true)) {
        refuse(400, 'A message\'s "role" must be "user" or "assistant".');
    }
    if (!is_string($content) || trim($content) === '') {
        refuse(400, 'A message, or the "prompt", must be a text that is not empty.');
    }
    return ['role' => $role, 'content' => $content];
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    refuse(405, 'Send a POST request.', 'Allow: POST');
}
$user = authenticated_user();
$messages = requested_messages();

SocketHandoff::to(getenv('STREAMING_DAEMON_SOCKET') ?: SocketHandoff::DEFAULT_SOCKET)
    ->with(['messages' => $messages, 'user_id' => $user])
    ->send();
