<?php
// SPDX-License-Identifier: Apache-2.0

/** The chat page. Its policy allows nothing but the files beside it: no inline script or style, and no text as HTML. */

declare(strict_types=1);

header("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    . "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'");
header('X-Content-Type-Options: nosniff');
header('Referrer-Policy: same-origin');
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Chat</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="chat.css">
</head>
<body>

<header>
  <div class="column">
    <h1>Chat</h1>
    <button id="restart" class="quiet" type="button" hidden>New chat</button>
  </div>
</header>

<main id="scroller" tabindex="0" aria-label="Conversation">
  <div class="column">
    <section id="welcome">
      <h2>What would you like to know?</h2>
      <p>PHP checks who you are and lets go. The words that follow are streamed by <i>streaming-daemon</i>.</p>
      <div id="suggestions">
        <button class="quiet" type="button">Explain file descriptors to a child</button>
        <button class="quiet" type="button">Write a haiku about waiting</button>
        <button class="quiet" type="button">Why is the sky blue?</button>
      </div>
    </section>
    <div id="log"></div>
  </div>
</main>

<form id="form" aria-label="Ask">
  <div class="column">
    <div class="composer">
      <label class="spoken" for="prompt">Your message</label>
      <textarea id="prompt" rows="1" dir="auto" placeholder="Ask anything" enterkeyhint="send" required autofocus></textarea>
      <button id="stop" type="button" hidden>Stop</button>
      <button id="send" type="submit">Send</button>
    </div>
  </div>
</form>

<div id="speech" class="spoken" role="log" aria-label="The answer, spoken"></div>

<script type="module" src="chat.js"></script>
</body>
</html>
