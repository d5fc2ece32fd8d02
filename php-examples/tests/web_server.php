<?php
// SPDX-License-Identifier: Apache-2.0

// What the examples' tests share: a script behind PHP's own web server, and what it answers.

declare(strict_types=1);

/**
 * Serves the script until the test ends.
 *
 * @param string $directory for the server's files; created if it does not exist, and removed with all of them
 * @param array<string, string> $environment
 * @param list<string> $extensions that the script needs
 * @return string the server's address
 */
function serve(string $script, string $directory, array $environment = [], array $extensions = []): string
{
    // Without the host's php.ini, which may load them or not.
    $known = preg_split('/\s+/', (string) shell_exec(PHP_BINARY . ' -n -m'));
    $loading = array_merge(...array_map(fn ($name) => ['-d', "extension=$name"], array_diff($extensions, array_map('strtolower', $known))));
    is_dir($directory) || mkdir($directory);
    $log = "$directory/log";
    $server = proc_open(
        [PHP_BINARY, '-n', '-d', "session.save_path=$directory", '-d', "upload_tmp_dir=$directory", ...$loading, '-S',
            '127.0.0.1:0', $script],
        [1 => ['file', $log, 'a'], 2 => ['file', $log, 'a']],
        $pipes,
        null,
        $environment + getenv()
    );
    register_shutdown_function(function () use ($server, $directory): void {
        proc_terminate($server);
        array_map('unlink', glob("$directory/*"));
        rmdir($directory);
    });
    // The server prints its port when it is ready.
    for ($deadline = time() + 20; !preg_match('#http://(127\.0\.0\.1:\d+)\) started#', (string) file_get_contents($log), $found);) {
        time() < $deadline || throw new Exception('PHP\'s web server does not start: ' . file_get_contents($log));
        usleep(10_000);
    }
    return $found[1];
}

/** @return array{string, array<string, string>, string} the status line, the headers by their names in small letters, the body */
function ask(
    string $address,
    string $body,
    string $cookie = '',
    string $type = 'application/json',
    string $headers = '',
    string $path = '/',
    string $method = 'POST',
): array
{
    $options = ['method' => $method, 'content' => $body,
        'header' => "Content-Type: $type\r\nCookie: $cookie\r\n$headers", 'ignore_errors' => true];
    $body = (string) file_get_contents("http://$address$path", false, stream_context_create(['http' => $options]));
    $headers = [];
    foreach (array_slice($http_response_header, 1) as $line) {
        [$name, $value] = explode(': ', $line, 2);
        $headers[strtolower($name)] = $value;
    }
    return [$http_response_header[0], $headers, $body];
}

function expect(bool $holds, string $what): void
{
    $holds || throw new Exception("Expected $what");
}
