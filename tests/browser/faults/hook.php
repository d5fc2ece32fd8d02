<?php
// SPDX-License-Identifier: Apache-2.0

// In the place of the demo's answer-ended.php: records each report that comes, and fails for new ones as the test has planned.

declare(strict_types=1);

$data = dirname(getenv('CHAT_DATABASE'));
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';

/** @return string what happens to this report: the plan's next word, if it comes for the first time; else "take" */
function fate(string $data, string $id): string
{
    $file = fopen("$data/hook.json", 'c+');
    flock($file, LOCK_EX);
    $state = json_decode(stream_get_contents($file) ?: '{}', true) + ['plan' => [], 'seen' => []];
    $fate = isset($state['seen'][$id]) ? 'take' : array_shift($state['plan']) ?? 'take';
    $state['seen'][$id] = true;
    ftruncate($file, 0);
    rewind($file);
    fwrite($file, json_encode($state));
    return $fate;
}

$fate = fate($data, $id);
file_put_contents("$data/reports", json_encode([
    'headers' => [
        'webhook-id' => $id,
        'webhook-timestamp' => $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '',
        'webhook-signature' => $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '',
    ],
    'body' => base64_encode(file_get_contents('php://input')),
    'fate' => $fate,
]) . "\n", FILE_APPEND | LOCK_EX);
match ($fate) {
    'take' => require __DIR__ . '/answer-ended-itself.php',
    'refuse' => http_response_code(500),
    'take and refuse' => [require __DIR__ . '/answer-ended-itself.php', http_response_code(500)],
    'hang' => [sleep(11), http_response_code(500)], // longer than the daemon waits
};
