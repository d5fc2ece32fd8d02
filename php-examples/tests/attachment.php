<?php
// SPDX-License-Identifier: Apache-2.0

// What attachment.php keeps and hands off, asked for through PHP's own web server.

declare(strict_types=1);

require __DIR__ . '/web_server.php';

$directory = sys_get_temp_dir() . '/attachment-example-' . getmypid();
$address = serve(__DIR__ . '/../attachment.php', $directory, ['STREAMING_DAEMON_DATA_DIR' => $directory]);

/** @return array{string, array<string, string>} the answer to a form with these fields, and this file unless it is null */
function send(string $address, array $fields, ?string $file): array
{
    $form = '';
    foreach ($fields as $name => $value) {
        $form .= "--boundary\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
    }
    if ($file !== null) {
        $form .= "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../secret.png\"\r\n\r\n$file\r\n";
    }
    return ask($address, "$form--boundary--\r\n", type: 'multipart/form-data; boundary=boundary');
}

[$status, $headers] = send($address, ['prompt' => 'What is this?'], 'the file');
$payload = json_decode($headers['x-handoff-data'] ?? '', true);
expect(($payload['prompt'] ?? '') === 'What is this?', "a hand-off with the prompt, not $status");
expect(preg_match('/^[0-9a-f]{32}$/', $payload['attachments'][0] ?? '') === 1, 'a name that is not the visitor\'s');
$kept = "$directory/{$payload['attachments'][0]}";
expect(file_get_contents($kept) === 'the file', 'the file in the directory');
expect((fileperms($kept) & 0777) === 0644, 'a file that the daemon may read');

foreach ([[[], 'the file'], [['prompt' => ' '], 'the file'], [['prompt' => 'What?'], null]] as [$fields, $file]) {
    [$status, $headers] = send($address, $fields, $file);
    expect(str_contains($status, ' 400 ') && !isset($headers['x-socket-handoff']), "no hand-off, not $status");
}
[$status] = send($address, ['prompt' => 'What?'], str_repeat('x', 5 * 1024 * 1024 + 1));
expect(str_contains($status, ' 413 '), "a file that is too large to be refused, not $status");
