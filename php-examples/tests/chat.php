<?php
// SPDX-License-Identifier: Apache-2.0

// What chat.php hands off and stores, and what the hook answer-ended.php adds, asked for through PHP's own web server.

declare(strict_types=1);

require __DIR__ . '/web_server.php';

$directory = sys_get_temp_dir() . '/chat-example-' . getmypid();
$key = random_bytes(32);
mkdir($directory);
file_put_contents("$directory/secret", 'whsec_' . base64_encode($key) . "\n");
file_put_contents("$directory/router.php", '<?php require ' . var_export(dirname(__DIR__), true)
    . ' . parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH);');
$environment = ['CHAT_TOKEN' => 'demo', 'CHAT_DATABASE' => "$directory/chat.sqlite", 'CHAT_HOOK_SECRET_FILE' => "$directory/secret"];
$address = serve("$directory/router.php", $directory, $environment, ['pdo', 'pdo_sqlite']);

/** @return array{int, mixed} the status, and the payload that is handed off, or else the JSON of the answer */
function chat(array $request, string $token = 'demo', string $method = 'POST', string $path = 'chat.php'): array
{
    global $address;
    [$status, $headers, $body] =
        ask($address, json_encode($request), headers: "Authorization: Bearer $token", path: "/$path", method: $method);
    return [(int) explode(' ', $status)[1], json_decode($headers['x-handoff-data'] ?? $body, true)];
}

/** The daemon's report of an answer. Returns the status. */
function report(string $answer, string $text, string $cause, ?string $key = null): int
{
    global $address;
    $body = json_encode(['type' => 'answer.ended', 'answer_id' => $answer, 'text' => $text, 'cause' => $cause]);
    $time = time();
    $signature = base64_encode(hash_hmac('sha256', "msg_1.$time.$body", $key ?? $GLOBALS['key'], true));
    $headers = "webhook-id: msg_1\r\nwebhook-timestamp: $time\r\nwebhook-signature: v1,$signature";
    return (int) explode(' ', ask($address, $body, headers: $headers, path: '/answer-ended.php')[0])[1];
}

/** An id, as the browser makes them. */
function id(int|string $name): string
{
    return str_pad((string) $name, 16, '0', STR_PAD_LEFT);
}

/** The messages of a payload: "u:Hello a:Hi ..." */
function messages(array $payload): string
{
    return implode(' ', array_map(fn ($message) => "{$message['role'][0]}:{$message['content']}", $payload['messages']));
}

$turn = fn (int|string $answer, string $prompt, array $more = []) =>
    ['conversation' => id('c'), 'answer' => id($answer), 'prompt' => $prompt, ...$more];

// A question: the answer is kept under its id, reported to the hook, and belongs to the user.
[, $payload] = chat($turn(1, 'One'));
expect(messages($payload) === 'u:One', 'the question');
$kept = ['answer_id' => id(1), 'on_end' => 'chat', 'user_id' => 'demo-user'];
expect(array_intersect_key($payload, $kept) == $kept, 'an answer that is kept and reported');

// A browser that has lost the connection asks again; a further question waits until the hook has stored the answer.
[, $again] = chat($turn(1, 'One'));
expect($again === $payload, 'the same hand-off');
[$status] = chat($turn(2, 'Two'));
expect($status === 409, "no hand-off while an answer runs, not $status");
expect(report(id(1), 'First', 'completed', random_bytes(32)) === 401, 'no report of a stranger');
expect(report(id(1), 'First', 'completed') === 200, 'the report');
expect(report(id(1), 'First again', 'completed') === 200, 'the report again');
[, $payload] = chat($turn(2, 'Two'));
expect(messages($payload) === 'u:One a:First u:Two', 'the history, not ' . messages($payload));
[, $again] = chat($turn(1, 'One'));
expect(messages($again) === 'u:One', 'of an earlier question only what was before it');

chat($turn(8, 'Again', ['conversation' => id('d')]));
report(id(8), 'Ha', 'cut');
report(id(8), 'Half and all', 'completed');
report(id(8), 'Ha', 'cut');
[, $conversation] = chat([], method: 'GET', path: 'chat.php?conversation=' . id('d'));
expect($conversation['turns'][0]['answer'] === 'Half and all', 'the complete answer');

chat($turn(9, 'Again', ['conversation' => id('d')]));
report(id(9), 'Half and more', 'stopped');
report(id(9), 'Ha', 'cut');
[, $conversation] = chat([], method: 'GET', path: 'chat.php?conversation=' . id('d'));
expect($conversation['turns'][1]['cause'] === 'stopped', 'the end that a user saw, although the report of an earlier try came later');

// The model reads questions and answers in turn: no question without an answer, but what a user has stopped.
report(id(2), '', 'idle_timeout');
chat($turn(3, 'Three'));
report(id(3), 'Th', 'stopped');
[, $payload] = chat($turn(4, 'Four'));
expect(messages($payload) === 'u:One a:First u:Three a:Th u:Four', 'questions with answers, not ' . messages($payload));

// A turn that failed is given up for its repetition. A report of it that comes late changes nothing.
[, $payload] = chat($turn(5, 'Four', ['instead' => id(4)]));
expect(messages($payload) === 'u:One a:First u:Three a:Th u:Four', 'the same question');
expect(report(id(4), 'late', 'shutdown') === 200, 'a late report');
[, $conversation] = chat([], method: 'GET', path: 'chat.php?conversation=' . id('c'));
$turns = array_map(fn ($turn) => "{$turn['question']}:{$turn['answer']}:{$turn['cause']}", $conversation['turns']);
expect($turns === ['One:First:completed', 'Two::idle_timeout', 'Three:Th:stopped', 'Four::'], 'turns, not ' . implode(' ', $turns));

// Follow and stop, of answers that one has.
expect(chat(['follow' => id(1), 'after' => '7'])[1] == ['answer_id' => id(1), 'action' => 'follow', 'after' => '7', 'user_id' => 'demo-user'], 'follow');
expect(chat(['stop' => id(5)])[1] == ['answer_id' => id(5), 'action' => 'stop', 'user_id' => 'demo-user'], 'stop');
expect(chat(['stop' => id(99)])[0] === 404, 'no stop of what one has not');

// A long conversation: its end, from a question on.
$long = fn (int $number) => ['conversation' => id('long'), 'answer' => id("l$number"), 'prompt' => "Q$number"];
foreach (range(1, 30) as $number) {
    chat($long($number));
    report(id("l$number"), str_repeat('x', 20_000), 'completed');
}
[, $payload] = chat($long(31));
expect(count($payload['messages']) === 19 && str_starts_with(messages($payload), 'u:Q22 a:x'), 'the end of a long conversation');

expect(chat($turn(6, 'Hello'), 'wrong')[0] === 401, 'no hand-off without the token');
expect(chat(['prompt' => 'Hello'])[1]['messages'] === [['role' => 'user', 'content' => 'Hello']], 'a prompt alone');
foreach ([['prompt' => ' '], ['prompt' => 7], [], $turn("../$directory", 'x'), ['follow' => []]] as $request) {
    expect(chat($request)[0] === 400, 'no hand-off of ' . json_encode($request));
}
expect(chat($turn(7, str_repeat('x', 256 * 1024)))[0] === 413, 'no hand-off of too much');
expect(chat([], method: 'PUT')[0] === 405, 'no other methods');
