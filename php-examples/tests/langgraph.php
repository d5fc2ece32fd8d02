<?php
// SPDX-License-Identifier: Apache-2.0

// What langgraph.php hands off, asked for through PHP's own web server.

declare(strict_types=1);

require __DIR__ . '/web_server.php';

$address = serve(__DIR__ . '/../langgraph.php', sys_get_temp_dir() . '/langgraph-example-' . getmypid());

[$status, $headers] = ask($address, '{"prompt":"Hello","thread_id":"of-another"}');
$payload = json_decode($headers['x-handoff-data'] ?? '', true);
expect(($payload['backend'] ?? '') === 'langgraph', "a hand-off to langgraph, not $status");
expect(($payload['prompt'] ?? '') === 'Hello', 'the prompt');
$uuid = '/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/';
expect(preg_match($uuid, $payload['thread_id'] ?? '') === 1, 'a UUID of the session\'s own for the thread');

$cookie = strtok($headers['set-cookie'], ';');
[, $again] = ask($address, '{"prompt":"And then?"}', $cookie);
expect(json_decode($again['x-handoff-data'], true)['thread_id'] === $payload['thread_id'], 'the same thread in a session');
[, $other] = ask($address, '{"prompt":"Hello"}');
expect(json_decode($other['x-handoff-data'], true)['thread_id'] !== $payload['thread_id'], 'another thread in another one');

[$status, $headers] = ask($address, '{"prompt":""}');
expect(str_contains($status, ' 400 ') && !isset($headers['x-socket-handoff']), 'no hand-off without a prompt');
