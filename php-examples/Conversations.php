<?php
// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

/**
 * Conversations in SQLite, as turns: a question and its answer. chat.php writes a question when it is asked. The answer is
 * written by the hook alone, answer-ended.php, which gets all of it whether or not a browser was there at its end.
 */
final class Conversations
{
    /** What of a conversation goes to the model: so many of its last turns, if they are no longer than this. */
    private const MAX_TURNS = 25;
    private const MAX_BYTES = 200_000;

    private readonly PDO $database;

    public function __construct(string $path)
    {
        $this->database = new PDO("sqlite:$path", options: [PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);
        $this->database->exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL');
        // An answer without a cause has not ended yet.
        $this->database->exec('CREATE TABLE IF NOT EXISTS turns (
            position INTEGER PRIMARY KEY, answer_id TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL, user TEXT NOT NULL,
            question TEXT NOT NULL, answer TEXT, cause TEXT);
            CREATE INDEX IF NOT EXISTS turns_of_conversation ON turns (conversation, user, position)');
    }

    /** @return list<array{id: string, question: string, answer: ?string, cause: ?string}> the oldest first */
    public function turns(string $conversation, string $user): array
    {
        return $this->query(
            'SELECT answer_id AS id, question, answer, cause FROM turns WHERE conversation = ? AND user = ? ORDER BY position',
            $conversation,
            $user
        );
    }

    /**
     * Adds a question, unless it was added before: a browser that has lost its connection asks again.
     *
     * @param ?string $instead the last turn, which failed and is given up for this one
     * @return ?string the answer that must end first, if there is one
     */
    public function ask(string $conversation, string $user, string $answerId, string $question, ?string $instead): ?string
    {
        $this->database->exec('BEGIN IMMEDIATE'); // of two tabs that ask at once the second one sees the first one's turn
        $running = $this->hasAnswer($answerId, $user) ? null : $this->add($conversation, $user, $answerId, $question, $instead);
        $this->database->exec('COMMIT');
        return $running;
    }

    private function add(string $conversation, string $user, string $answerId, string $question, ?string $instead): ?string
    {
        $last = array_slice($this->turns($conversation, $user), -1)[0] ?? null;
        if ($last !== null && $last['id'] === $instead) {
            $this->query('DELETE FROM turns WHERE answer_id = ?', $instead);
        } elseif ($last !== null && $last['cause'] === null) {
            return $last['id'];
        }
        $this->query(
            'INSERT OR IGNORE INTO turns (answer_id, conversation, user, question) VALUES (?, ?, ?, ?)',
            $answerId,
            $conversation,
            $user,
            $question
        );
        return null;
    }

    public function hasAnswer(string $answerId, string $user): bool
    {
        return $this->query('SELECT 1 FROM turns WHERE answer_id = ? AND user = ?', $answerId, $user) !== [];
    }

    /**
     * What the model gets to read: it begins with a question, questions and answers alternate, the last one is to be answered.
     * Turns without an answer are left out; so are the oldest ones of a long conversation.
     *
     * @return list<array{role: string, content: string}>
     */
    public function messages(string $answerId): array
    {
        $turns = $this->query(
            "SELECT earlier.question, earlier.answer FROM turns AS earlier
             JOIN turns AS this ON this.conversation = earlier.conversation AND this.user = earlier.user
             WHERE this.answer_id = ? AND earlier.position <= this.position AND (earlier.answer <> '' OR earlier.position = this.position)
             ORDER BY earlier.position DESC LIMIT ?",
            $answerId,
            self::MAX_TURNS
        );
        $messages = [['role' => 'user', 'content' => array_shift($turns)['question']]];
        $bytes = strlen($messages[0]['content']);
        foreach ($turns as ['question' => $question, 'answer' => $answer]) {
            $bytes += strlen($question) + strlen($answer);
            if ($bytes > self::MAX_BYTES) {
                break;
            }
            array_unshift($messages, ['role' => 'user', 'content' => $question], ['role' => 'assistant', 'content' => $answer]);
        }
        return $messages;
    }

    /**
     * Does nothing if the end is stored already, or if the turn was given up. Only after a "cut" something better may come: the
     * browser asks again for an answer that it has seen nothing of, under the same id.
     */
    public function end(string $answerId, string $answer, string $cause): void
    {
        $this->query("UPDATE turns SET answer = ?, cause = ? WHERE answer_id = ? AND (cause IS NULL OR cause = 'cut')", $answer, $cause, $answerId);
    }

    /** @return list<array<string, mixed>> */
    private function query(string $sql, string|int|null ...$values): array
    {
        $statement = $this->database->prepare($sql);
        foreach ($values as $at => $value) {
            $statement->bindValue($at + 1, $value, is_int($value) ? PDO::PARAM_INT : PDO::PARAM_STR);
        }
        $statement->execute();
        return $statement->fetchAll();
    }
}
