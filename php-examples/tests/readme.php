<?php
// SPDX-License-Identifier: Apache-2.0

// The README's PHP hands off for a user with a session, and refuses all others.

declare(strict_types=1);

require __DIR__ . '/web_server.php';

$readme = file_get_contents(__DIR__ . '/../../README.md');
expect(preg_match('/^```php\n(.*?)^```/ms', $readme, $block) === 1, 'a block of PHP in the README');
preg_match_all('/^```php\n(?:<\?php\n)?(.*?)^```/ms', $readme, $blocks);
expect(count($blocks[1]) === 2, 'two blocks');
foreach ($blocks[1] as $code) {
    exec(PHP_BINARY . ' -n -r ' . escapeshellarg("return; $code") . ' 2>&1', $messages, $status);
    expect($status === 0, 'PHP without a mistake of syntax: ' . implode("\n", $messages));
}
$class = var_export(__DIR__ . '/../../php/Handoff.php', true);
$script = preg_replace("/^require .*$/m", "require $class;", $block[1], -1, $replaced);
expect($replaced === 1, 'one line that loads the class');

$directory = sys_get_temp_dir() . '/readme-example-' . getmypid();
mkdir($directory);
file_put_contents("$directory/chat.php", $script);
file_put_contents("$directory/sess_known", 'user_id|s:5:"alice";');
$address = serve("$directory/chat.php", $directory);

[$status, $headers] = ask($address, 'prompt=Hello', 'PHPSESSID=known', 'application/x-www-form-urlencoded');
expect(($headers['x-socket-handoff'] ?? '') === '/run/streaming-daemon.sock', "a hand-off, not $status");
expect($headers['x-handoff-data'] === '{"prompt":"Hello","user_id":"alice"}', 'the prompt and the user');

[$status, $headers] = ask($address, 'prompt=Hello', '', 'application/x-www-form-urlencoded');
expect(str_contains($status, ' 401 ') && !isset($headers['x-socket-handoff']), "no hand-off without a session, not $status");
