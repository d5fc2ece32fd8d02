<?php
// SPDX-License-Identifier: Apache-2.0
// As ../sends.php, where PHP compresses what it prints (.user.ini).

require __DIR__ . '/../sends.php';
