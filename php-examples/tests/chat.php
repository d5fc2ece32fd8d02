<?php
// SPDX-License-Identifier: Apache-2.0

// What chat.php hands off, asked for through PHP's own web server.

declare(strict_types=1);

require __DIR__ . '/web_server.php';

$address = serve(__DIR__ . '/../chat.php', sys_get_temp_dir() . '/chat-example-' . getmypid(), ['CHAT_TOKEN' => 'demo']);

/** @return array{string, ?string} the status line, and the messages that are handed off: "u:Hello a:Hi ..." */
function chat(string $address, mixed $request, string $token = 'demo'): array
{
    [$status, $headers] = ask($address, json_encode($request), headers: "Authorization: Bearer $token");
    $payload = json_decode($headers['x-handoff-data'] ?? 'null', true);
    $messages = array_map(fn ($message) => "{$message['role'][0]}:{$message['content']}", $payload['messages'] ?? []);
    return [$status, $payload === null ? null : implode(' ', $messages)];
}

/** @return list<array{role: string, content: string}> */
function messages(string $roles): array
{
    $role = ['u' => 'user', 'a' => 'assistant', 's' => 'system'];
    return array_map(fn ($letter, $at) => ['role' => $role[$letter], 'content' => "$at"], str_split($roles), range(1, strlen($roles)));
}

expect(chat($address, ['prompt' => 'Hello'])[1] === 'u:Hello', 'a prompt');
expect(str_contains(chat($address, ['prompt' => 'Hello'], 'wrong')[0], ' 401 '), 'no hand-off without the token');

// An API may refuse a conversation that begins with an answer, or in which two messages of one role follow each other.
foreach (['uau' => 'u:1 a:2 u:3', 'au' => 'u:2', 'uu' => 'u:2', 'uauuu' => 'u:1 a:2 u:5', 'uaau' => 'u:1 a:3 u:4'] as $roles => $kept) {
    expect(chat($address, ['messages' => messages($roles)])[1] === $kept, "$kept of $roles");
}
$long = chat($address, ['messages' => messages(str_repeat('ua', 40) . 'u')])[1];
expect(str_starts_with($long, 'u:33 a:34 ') && str_ends_with($long, ' u:81'), 'the end of a long one, from a question on');

foreach (['ua', 's', 'su'] as $roles) {
    expect(str_contains(chat($address, ['messages' => messages($roles)])[0], ' 400 '), "no hand-off of $roles");
}
expect(str_contains(chat($address, ['prompt' => str_repeat('x', 256 * 1024)])[0], ' 413 '), 'no hand-off of too much');
