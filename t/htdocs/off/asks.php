<?php
// SPDX-License-Identifier: Apache-2.0
require __DIR__ . '/../asks.php';
