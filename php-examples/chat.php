<?php
// SPDX-License-Identifier: Apache-2.0

/**
 * The chat's endpoint: checks who asks and what, and lets streaming-daemon answer.
 *
 *     GET  chat.php?conversation=ID   its turns, as JSON
 *     POST chat.php                   {"prompt": "Hello"}, in a conversation:
 *                                     {"conversation": "ID", "answer": "ID", "prompt": "Hello", "instead": "a failed ANSWER"}
 *     POST chat.php                   {"follow": "ANSWER", "after": "7"}: that answer from its beginning, or from an event on
 *     POST chat.php                   {"stop": "ANSWER"}
 *
 * The browser makes the ids, so that it can repeat a request whose answer was lost on the way. The daemon answers with
 * Server-Sent Events; if the request is refused, this script answers with {"error": "..."}.
 */

declare(strict_types=1);

use SocketHandoff\Handoff;

require __DIR__ . '/../php/Handoff.php'; // or Composer's vendor/autoload.php
require __DIR__ . '/Conversations.php';

const MAX_BODY_BYTES = 256 * 1024;

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

/** @return array<string, mixed> */
function request(): array
{
    $body = file_get_contents('php://input', length: MAX_BODY_BYTES + 1);
    if (strlen($body) > MAX_BODY_BYTES) {
        refuse(413, 'Your message is too long: shorten it.');
    }
    $request = json_decode($body, true);
    return is_array($request) ? $request : refuse(400, 'Send a JSON object.');
}

/** An id that the browser has made, in a form that the daemon accepts too. */
function id(mixed $id): string
{
    $valid = is_string($id) && preg_match('/^[A-Za-z0-9-]{16,64}$/D', $id) === 1;
    return $valid ? $id : refuse(400, 'An id must have 16 to 64 letters, digits and hyphens.');
}

function ask(Handoff $handoff, Conversations $conversations, string $user, array $request): Handoff
{
    $prompt = $request['prompt'] ?? null;
    if (!is_string($prompt) || trim($prompt) === '') {
        refuse(400, 'The "prompt" must be a text that is not empty.');
    }
    $answer = id($request['answer'] ?? bin2hex(random_bytes(16)));
    $conversation = id($request['conversation'] ?? $answer);
    $running = $conversations->ask($conversation, $user, $answer, $prompt, $request['instead'] ?? null);
    if ($running !== null) {
        refuse(409, 'The last answer has not been stored yet.', 'Retry-After: 1');
    }
    if (!$conversations->hasAnswer($answer, $user)) {
        refuse(403, 'That answer is not yours.');
    }
    return $handoff->with(['messages' => $conversations->messages($answer)])->keep($answer, onEnd: 'chat');
}

$user = authenticated_user();
$conversations = new Conversations(getenv('CHAT_DATABASE') ?: refuse(500, 'The environment variable CHAT_DATABASE is not set.'));

if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo json_encode(['turns' => $conversations->turns(id($_GET['conversation'] ?? null), $user)]);
    exit;
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    refuse(405, 'Send a GET or a POST request.', 'Allow: GET, POST');
}
$request = request();
$handoff = Handoff::to(getenv('STREAMING_DAEMON_SOCKET') ?: Handoff::DEFAULT_SOCKET)->with(['user_id' => $user]);
$kept = $request['follow'] ?? $request['stop'] ?? null;
if ($kept !== null && !$conversations->hasAnswer(id($kept), $user)) {
    refuse(404, 'You have no such answer.');
}
$handoff = match (true) {
    isset($request['follow']) => $handoff->follow($kept, after: $request['after'] ?? null),
    isset($request['stop']) => $handoff->stop($kept),
    default => ask($handoff, $conversations, $user, $request),
};
$handoff->send();
