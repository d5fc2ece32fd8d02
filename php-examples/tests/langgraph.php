<?php

// What langgraph.php hands off, asked for through PHP's own web server.

declare(strict_types=1);

$directory = sys_get_temp_dir() . '/langgraph-example-' . getmypid();
mkdir($directory);
$log = "$directory/log";
$server = proc_open(
    [PHP_BINARY, '-n', '-d', "session.save_path=$directory", '-S', '127.0.0.1:0', __DIR__ . '/../langgraph.php'],
    [1 => ['file', $log, 'a'], 2 => ['file', $log, 'a']],
    $pipes
);
register_shutdown_function(function () use ($server, $directory): void {
    proc_terminate($server);
    array_map('unlink', glob("$directory/*"));
    rmdir($directory);
});

// Until it says its port.
for ($deadline = time() + 20; !preg_match('#http://(127\.0\.0\.1:\d+)\) started#', (string) file_get_contents($log), $found);) {
    time() < $deadline || throw new Exception('PHP\'s web server does not start: ' . file_get_contents($log));
    usleep(10_000);
}

/** @return array{string, array<string, string>} the status line and the headers, by their names in small letters */
function ask(string $address, string $body, string $cookie = ''): array
{
    $options = ['method' => 'POST', 'content' => $body,
        'header' => "Content-Type: application/json\r\nCookie: $cookie", 'ignore_errors' => true];
    file_get_contents("http://$address/", false, stream_context_create(['http' => $options]));
    $headers = [];
    foreach (array_slice($http_response_header, 1) as $line) {
        [$name, $value] = explode(': ', $line, 2);
        $headers[strtolower($name)] = $value;
    }
    return [$http_response_header[0], $headers];
}

function expect(bool $holds, string $what): void
{
    $holds || throw new Exception("Expected $what");
}

[$status, $headers] = ask($found[1], '{"prompt":"Hello","thread_id":"of-another"}');
$payload = json_decode($headers['x-handoff-data'] ?? '', true);
expect(($payload['backend'] ?? '') === 'langgraph', "a hand-off to langgraph, not $status");
expect(($payload['prompt'] ?? '') === 'Hello', 'the prompt');
$uuid = '/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/';
expect(preg_match($uuid, $payload['thread_id'] ?? '') === 1, 'a UUID of the session\'s own for the thread');

$cookie = strtok($headers['set-cookie'], ';');
[, $again] = ask($found[1], '{"prompt":"And then?"}', $cookie);
expect(json_decode($again['x-handoff-data'], true)['thread_id'] === $payload['thread_id'], 'the same thread in a session');
[, $other] = ask($found[1], '{"prompt":"Hello"}');
expect(json_decode($other['x-handoff-data'], true)['thread_id'] !== $payload['thread_id'], 'another thread in another one');

[$status, $headers] = ask($found[1], '{"prompt":""}');
expect(str_contains($status, ' 400 ') && !isset($headers['x-socket-handoff']), 'no hand-off without a prompt');
