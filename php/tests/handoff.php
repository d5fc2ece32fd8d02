<?php
// SPDX-License-Identifier: Apache-2.0

// What Handoff promises, without a server: PHP on the command line has the same limit of a header line as FPM.

declare(strict_types=1);

use SocketHandoff\Handoff;

require_once __DIR__ . '/../Handoff.php';

function expect_same(mixed $expected, mixed $actual): void
{
    if ($expected !== $actual) {
        throw new Exception('Expected ' . var_export($expected, true) . ', got ' . var_export($actual, true));
    }
}

function expect_thrown(string $class, string $message, callable $call): void
{
    try {
        $call();
    } catch (Throwable $thrown) {
        expect_same($class, $thrown::class);
        expect_same(true, str_contains($thrown->getMessage(), $message));
        return;
    }
    throw new Exception("Expected $class, and nothing was thrown");
}

$handoff = Handoff::to('/run/test.sock');

// Without data the payload is an object all the same.
expect_same(['X-Socket-Handoff' => '/run/test.sock', 'X-Handoff-Data' => '{}'], $handoff->headers());

// Data adds up, the original stays, and no line break gets into the header.
$more = $handoff->with(['prompt' => "a/b\r\nX-Evil: é 😀"])->with(['user_id' => 3]);
expect_same('{"prompt":"a/b\r\nX-Evil: \u00e9 \ud83d\ude00","user_id":3}', $more->headers()['X-Handoff-Data']);
expect_same('{}', $handoff->headers()['X-Handoff-Data']);

// 8,173 bytes of data fit into a header; one more goes in the body.
$frame = strlen('{"prompt":""}');
$longest = $handoff->with(['prompt' => str_repeat('x', 8173 - $frame)]);
expect_same(8173, strlen($longest->headers()['X-Handoff-Data']));
expect_same('', $longest->body());
$longer = $handoff->with(['prompt' => str_repeat('x', 8174 - $frame)]);
expect_same(['X-Socket-Handoff' => '/run/test.sock', 'X-Handoff-Data-Source' => 'body'], $longer->headers());
expect_same(8174, strlen($longer->body()));

// A kept answer: asked for, followed, stopped. Its data stays as it is.
$payload = fn ($handoff) => $handoff->headers()['X-Handoff-Data'];
expect_same('{"answer_id":"a:1"}', $payload($handoff->keep('a:1')));
expect_same(
    '{"prompt":"Hi","answer_id":"a","on_end":"chat","on_end_data":[]}',
    $payload($handoff->with(['prompt' => 'Hi'])->keep('a', onEnd: 'chat', data: []))
);
expect_same('{"answer_id":"a","action":"follow"}', $payload($handoff->follow('a')));
expect_same('{"answer_id":"a","action":"follow","after":0}', $payload($handoff->follow('a', after: 0)));
expect_same('{"answer_id":"a","action":"stop"}', $payload($handoff->stop('a')));
foreach (['', 'a b', "a\n", 'é', str_repeat('a', 129)] as $name) {
    expect_thrown(InvalidArgumentException::class, "An answer's name", fn () => $handoff->keep($name));
}

expect_thrown(JsonException::class, 'UTF-8', fn () => $handoff->with(['prompt' => "\xff"])->headers());
expect_thrown(InvalidArgumentException::class, 'relative.sock', fn () => Handoff::to('relative.sock'));
expect_thrown(InvalidArgumentException::class, '/run/a', fn () => Handoff::to("/run/a\nX-Evil: 1"));

// An EventSource that asks again after the event "done", or after an error, is stopped; the prompt is not run twice.
expect_same(false, Handoff::hasEnded());
foreach (['7' => false, 'done' => true, 'error' => true] as $id => $ended) {
    $_SERVER['HTTP_LAST_EVENT_ID'] = (string) $id;
    expect_same($ended, Handoff::hasEnded());
}
ob_start();
$longer->send();
expect_same('', ob_get_clean());
expect_same(204, http_response_code());
unset($_SERVER['HTTP_LAST_EVENT_ID']);

// Last, because it is true from the first output on.
echo "Output begins.\n";
flush();
expect_thrown(LogicException::class, __FILE__, fn () => $handoff->send());
