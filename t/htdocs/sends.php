<?php
// SPDX-License-Identifier: Apache-2.0
// Hands over by the class that comes with the module: socket, bytes (how many the prompt has).

use SocketHandoff\Handoff;

require __DIR__ . '/../../php/Handoff.php';

Handoff::to($_GET['socket'])->with(['prompt' => str_repeat('x', (int) $_GET['bytes'])])->send();
