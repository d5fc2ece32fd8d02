<?php
// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace SocketHandoff;

use InvalidArgumentException;
use UnexpectedValueException;

/**
 * What streaming-daemon reports of an answer at its end: the hook's script receives it.
 *
 *     $report = AnswerReport::receive(file_get_contents('/etc/chat/hook.secret'));
 *     $database->prepare("UPDATE turns SET answer = ?, cause = ? WHERE answer_id = ? AND (cause IS NULL OR cause = 'cut')")
 *         ->execute([$report->text, $report->cause, $report->answerId]);
 *
 * The daemon sends a report again until it is answered with a status from 200 to 299, which is what PHP sends if the script
 * ends without a failure. So a report may come twice: the script should do the same as the first time, or nothing. The cause
 * "cut" is not always the last word: if the client asks again under the same id, the answer begins anew.
 *
 * Signed as https://www.standardwebhooks.com describes. What the daemon does not know is null.
 */
final class AnswerReport
{
    /** Reports are refused whose time differs more from ours. */
    private const MAX_CLOCK_DIFFERENCE_S = 300;

    /**
     * @param string $id the report's; the same when it is sent again
     * @param ?string $answerId given to Handoff::keep(), as was $data
     * @param string $cause "completed", "stopped", or why the answer has not come to its end
     * @param ?list<array<string, mixed>> $toolCalls
     * @param ?array<string, int> $usage
     */
    private function __construct(
        public readonly string $id,
        public readonly ?string $answerId,
        public readonly ?string $requestId,
        public readonly ?string $userId,
        public readonly ?string $backend,
        public readonly ?string $model,
        public readonly string $text,
        public readonly ?string $reasoning,
        public readonly ?array $toolCalls,
        public readonly ?string $finishReason,
        public readonly ?array $usage,
        public readonly string $cause,
        public readonly ?string $startedAt,
        public readonly ?string $endedAt,
        public readonly ?int $firstEventMs,
        public readonly ?int $durationMs,
        public readonly ?bool $clientHasEnd,
        public readonly bool $cutAtLimit,
        public readonly mixed $data,
    ) {
    }

    /**
     * Reads the report that this request brings. If its signature is not right, answers with 401 and ends the script. If the
     * script fails later, PHP answers with 500, and the report comes again.
     *
     * @param string $secret of the hook: "whsec_" and base64; several, separated by spaces, while the secret is changed
     */
    public static function receive(string $secret): self
    {
        ini_set('display_errors', '0'); // PHP answers with 200 if it shows the error, and the report would be lost
        $headers = [];
        foreach (['webhook-id', 'webhook-timestamp', 'webhook-signature'] as $name) {
            $headers[$name] = $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? '';
        }
        try {
            return self::verified((string) file_get_contents('php://input'), $headers, $secret);
        } catch (UnexpectedValueException $refusal) {
            http_response_code(401);
            header('Content-Type: text/plain');
            echo $refusal->getMessage(), "\n";
            exit;
        }
    }

    /**
     * The same for a framework, which has the body and the headers itself:
     *
     *     AnswerReport::verified($request->getContent(), $request->headers->all(), $secret)    Laravel, Symfony
     *     AnswerReport::verified((string) $request->getBody(), $request->getHeaders(), $secret)    PSR-7
     *
     * @param array<string, string|list<string>> $headers
     * @throws UnexpectedValueException if the report is not signed with the secret, or not of this time
     * @throws InvalidArgumentException if the secret itself is none
     */
    public static function verified(string $body, array $headers, string $secret): self
    {
        $headers = array_map(fn (array|string $value) => implode(' ', (array) $value), array_change_key_case($headers));
        $id = $headers['webhook-id'] ?? '';
        $timestamp = $headers['webhook-timestamp'] ?? '';
        if ($id === '' || preg_match('/^\d{1,12}$/D', $timestamp) !== 1) {
            throw new UnexpectedValueException('The report has no id or no time.');
        }
        if (abs(time() - (int) $timestamp) > self::MAX_CLOCK_DIFFERENCE_S) {
            throw new UnexpectedValueException('The report is of another time: compare the clocks of both hosts.');
        }
        if (!self::isSigned("$id.$timestamp.$body", $headers['webhook-signature'] ?? '', $secret)) {
            throw new UnexpectedValueException('The report is not signed with the secret.');
        }
        $report = json_decode($body, true);
        if (!is_array($report)) {
            throw new UnexpectedValueException('The report is not JSON.');
        }
        return self::from($id, $report);
    }

    private static function isSigned(string $content, string $signatures, string $secrets): bool
    {
        $signed = false;
        foreach (preg_split('/\s+/', trim($secrets)) as $secret) {
            $key = base64_decode(substr($secret, strlen('whsec_')), true);
            if (!str_starts_with($secret, 'whsec_') || $key === false || strlen($key) < 24) {
                throw new InvalidArgumentException('The secret of a hook must be "whsec_" and base64 of at least 24 bytes.');
            }
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', $content, $key, true));
            foreach (explode(' ', $signatures) as $signature) {
                $signed = hash_equals($expected, $signature) || $signed;
            }
        }
        return $signed;
    }

    /** @param array<string, mixed> $report */
    private static function from(string $id, array $report): self
    {
        return new self(
            id: $id,
            answerId: $report['answer_id'] ?? null,
            requestId: $report['request_id'] ?? null,
            userId: $report['user_id'] ?? null,
            backend: $report['backend'] ?? null,
            model: $report['model'] ?? null,
            text: $report['text'] ?? '',
            reasoning: $report['reasoning'] ?? null,
            toolCalls: $report['tool_calls'] ?? null,
            finishReason: $report['finish_reason'] ?? null,
            usage: $report['usage'] ?? null,
            cause: $report['cause'] ?? '',
            startedAt: $report['started_at'] ?? null,
            endedAt: $report['ended_at'] ?? null,
            firstEventMs: $report['first_event_ms'] ?? null,
            durationMs: $report['duration_ms'] ?? null,
            clientHasEnd: $report['client_has_end'] ?? null,
            cutAtLimit: $report['cut_at_limit'] ?? false,
            data: $report['data'] ?? null,
        );
    }
}
