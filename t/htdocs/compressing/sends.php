<?php
// SPDX-License-Identifier: Apache-2.0
// Like ../sends.php, but PHP compresses its output (.user.ini).

require __DIR__ . '/../sends.php';
