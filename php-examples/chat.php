<?php
// SPDX-License-Identifier: Apache-2.0

/**
 * The chat's endpoint: checks who asks and what, and lets streaming-daemon answer.
 *
 *     POST chat.php   {"prompt": "Hello"}   or   {"messages": [{"role": "user", "content": "Hello"}, ...]}
 *
 * The daemon answers with Server-Sent Events; if the request is refused, this script answers with {"error": "..."}.
 */

declare(strict_types=1);

use SocketHandoff\Handoff;

require __DIR__ . '/../php/Handoff.php'; // or Composer's vendor/autoload.php

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
 * Who asks. Replace this by your session or single sign-on: it accepts one token, which the environment variable
 * CHAT_TOKEN has (Apache's `SetEnv`). Apache passes the client's token on to PHP-FPM only with `CGIPassAuth On`.
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
    $messages = history(array_map(requested_message(...), array_slice($messages, -MAX_MESSAGES)));
    if ((end($messages)['role'] ?? null) !== 'user') {
        refuse(400, 'The newest message must be the user\'s.');
    }
    return $messages;
}

/**
 * What an API accepts of a conversation: it begins with a user's message, and the roles alternate. Of several messages in a
 * row the newest stays: the others are questions that were never answered.
 *
 * @param list<array{role: string, content: string}> $messages
 * @return list<array{role: string, content: string}>
 */
function history(array $messages): array
{
    $kept = [];
    foreach ($messages as $message) {
        $previous = end($kept)['role'] ?? 'assistant';
        if ($previous === $message['role']) {
            array_pop($kept);
        }
        if ($kept !== [] || $message['role'] === 'user') {
            $kept[] = $message;
        }
    }
    return $kept;
}

/** @return array{role: string, content: string} */
function requested_message(mixed $message): array
{
    $role = $message['role'] ?? null;
    $content = $message['content'] ?? null;
    // Not "system": the site instructs the assistant, its visitors must not.
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

Handoff::to(getenv('STREAMING_DAEMON_SOCKET') ?: Handoff::DEFAULT_SOCKET)
    ->with(['messages' => $messages, 'user_id' => $user])
    ->send();
